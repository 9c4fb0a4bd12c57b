"""What a run, a fleet and a search share: one way to open, to go on and to be told apart."""

import shutil
from pathlib import Path

import pytest
from helpers.digits import digits

import cutaway as ca
from cutaway.errors import RunError, UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.execution import Execution
from cutaway.learn.fit import fit
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.job import Job
from cutaway.learn.kinds import KINDS, open_job, open_network
from cutaway.learn.run import Run
from cutaway.learn.search import Search
from cutaway.learn.search import launch as search
from cutaway.recipes import pair

RECIPE = pair("mlp", "own:digits").with_options(
    widths="8", epochs=2, image_size=8, augment="none", patience=0
)
IMAGES = digits(200)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> dict[str, Job]:
    place = tmp_path_factory.mktemp("jobs")
    return {
        "run": fit(RECIPE, IMAGES, out=place / "a run"),
        "fleet": launch(RECIPE.override(replicates=2), IMAGES, way="in-turn", out=place / "fleet"),
        "search": search(RECIPE, IMAGES, trials=2, over={"lr": [0.01, 0.02]}, out=place / "search"),
    }


KIND = pytest.mark.parametrize("kind", ["run", "fleet", "search"])


@KIND
def test_whatever_is_there_is_opened(kind, jobs):
    job = jobs[kind]
    for found in (open_job(job.path), open_job(str(job.path)), ca.load(job.path)):
        assert type(found) is type(job)
        assert found.path == job.path
    assert {one.kind for one in KINDS} == set(jobs)


def test_where_there_is_nothing_it_says_what_was_looked_for(tmp_path):
    with pytest.raises(UsageError, match=r"recipe\.toml, fleet\.json, search\.json"):
        open_job(tmp_path)


def test_only_a_search_has_no_network(jobs):
    assert open_network(jobs["run"].path).members[0].path == jobs["run"].path
    assert len(open_network(jobs["fleet"].path).members) == 2
    with pytest.raises(UsageError, match="is a search, which has no network of its own"):
        open_network(jobs["search"].path)


def test_a_line_says_what_it_came_to(jobs):
    said = {kind: repr(job) for kind, job in jobs.items()}
    right = {kind: f"{100 * job.headline[1]:.1f} %)" for kind, job in jobs.items()}
    at = {kind: job.path for kind, job in jobs.items()}
    assert said["run"] == f"Run('{at['run']}': mlp on digits, 2 epochs, accuracy {right['run']}"
    title = f"Fleet('{at['fleet']}': mlp on digits, 2 members, mean accuracy {right['fleet']}"
    assert said["fleet"] == title
    title = f"Search('{at['search']}': mlp on digits, 2 trials, best val accuracy "
    assert said["search"] == title + right["search"]


UNENDED = {
    "run": "2 of 2 epochs, not ended",
    "fleet": "2 of 2 members, not ended",
    "search": "2 of 2 trials, not ended",
}


@KIND
def test_one_that_has_not_ended_says_so_and_goes_on(kind, jobs, tmp_path):
    class Heard(Callback):
        count = 0

        def on_run_end(self, training):
            self.count += 1

        on_fleet_end = on_search_end = on_run_end

    path = shutil.copytree(jobs[kind].path, tmp_path / "x")
    (path / "results.json").unlink()
    job, heard = open_job(path, data=IMAGES), Heard()
    assert UNENDED[kind] in repr(job)
    assert "not ended" in job._repr_html_()
    with pytest.raises(RunError, match=f"has not finished: resume it with `cutaway resume {path}`"):
        job.results  # noqa: B018
    assert job.resume(IMAGES, callbacks=[heard], checkpoint_every=1e9) is job
    assert heard.count == 1
    assert job.finished
    assert job.results == jobs[kind].results
    assert job.report(IMAGES) == path / "report.html"


@KIND
@pytest.mark.parametrize("damage", ["results.json", "metrics", "recipe", "gone"])
def test_whatever_has_become_of_it_it_can_be_shown(kind, damage, jobs, tmp_path):
    path = Path(shutil.copytree(jobs[kind].path, tmp_path / "x"))
    job = open_job(path)
    match damage:
        case "results.json":
            (path / "results.json").write_text("{")
        case "metrics":
            for file in (*path.rglob("metrics.jsonl"), *path.rglob("trials.json")):
                file.write_bytes(b"\xff{")
        case "recipe":
            (path / job.marker).write_text("0")
        case "gone":
            shutil.rmtree(path)
    said = repr(job)
    assert said.startswith(f"{type(job).__name__}({str(path)!r}: ")
    assert "\n" not in said
    assert job._repr_html_().strip().endswith((">", "</pre>"))
    if damage == "gone":
        assert said.endswith(": is not there any more)")
    if damage == "recipe":
        assert "cannot be read" in said


def test_what_is_carried_out_is_checked_at_once():
    with pytest.raises(UsageError, match=r"A callback is named as package\.module:Class"):
        Execution(callbacks=["nothing"])
    first, second = Callback(), Callback()
    asked = Execution("here", iter([second]), 3.0).with_first(first)
    assert [*asked.callback] == [first, second]
    assert (asked.out, asked.checkpoint_every) == ("here", 3.0)


def test_a_member_is_not_resumed_alone(jobs, tmp_path):
    path = shutil.copytree(jobs["fleet"].path, tmp_path / "x")
    (path / "members" / "001" / "results.json").unlink()
    with pytest.raises(UsageError, match="is a member of a fleet"):
        Run(path / "members" / "001").resume(IMAGES)
    (path / "results.json").unlink()
    assert Fleet(path).resume(IMAGES).results == jobs["fleet"].results


def test_each_says_what_makes_one(tmp_path):
    for kind in KINDS:
        with pytest.raises(UsageError, match=f"is not a {kind.kind}: it holds no {kind.marker}"):
            kind(tmp_path)
    assert not Search.is_at(tmp_path)
