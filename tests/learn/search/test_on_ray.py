"""A search on a real Ray cluster: the trials of one made here, whichever ends first."""

import json
import signal
import subprocess

import pytest
from helpers.command import CUTAWAY, cutaway
from helpers.digits import digits
from helpers.killed_runs import digest
from helpers.ray_nodes import UNTIDY, cluster
from helpers.small_search import search, small
from helpers.waiting import eventually

import cutaway as ca
from cutaway.learn.execution import Execution
from cutaway.learn.search import Search
from cutaway.learn.search.trials import Trials
from cutaway.workplaces.opening import opened

pytestmark = [UNTIDY, pytest.mark.slow]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("nodes"), count=2) as nodes:
        yield nodes


def found(one: Search) -> dict[str, str]:
    """Digests of all that it found: its trials, the best, and each one's rows and recipe."""
    names = ["trials.json", "best.toml", "results.json"]
    names += [f"{one.folder(k)}/{name}" for k in range(len(one)) for name in ("metrics.jsonl",)]
    return {name: digest(one.path / name) for name in names}


def test_the_trials_are_those_made_here_to_the_byte(nodes, tmp_path):
    here = search(tmp_path / "here", 9, at_once=2, recipe=small(threads=1))
    with opened("ray") as place:
        away = search(tmp_path / "away", 9, place=place, recipe=small(threads=1))
    assert away.at_once == 2  # as there is room for
    assert found(away) == found(here)
    assert not [*away.path.glob("trials/*/checkpoint")]
    assert not nodes.working


def test_each_follows_from_all_but_those_beside_it(tmp_path):
    one = search(tmp_path / "x", 5, at_once=3)
    trials = Trials(one, digits(200), Execution())
    trials.trials = one.trials
    known = [[trial.number for trial in trials.known(k)] for k in range(5)]
    assert known == [[], [], [], [0], [0, 1]]


def test_one_at_a_time_it_is_the_search_that_it_always_was(tmp_path):
    one = search(tmp_path / "a", 6)
    assert found(search(tmp_path / "b", 6, at_once=1)) == found(one)
    facts = json.loads((one.path / "search.json").read_text())
    del facts["at_once"]  # as from before there was a choice
    (one.path / "search.json").write_text(json.dumps(facts))
    assert Search(one.path).at_once == 1


@pytest.mark.slow
def test_a_node_that_is_killed_loses_nothing(nodes, tmp_path):
    nodes.add(1)
    nodes.wait()
    killed = []

    class Kill(ca.Callback):
        in_members = False

        def on_trial_end(self, search, trial):
            if trial.number == 1:
                killed.append(nodes.working[0])
                nodes.kill(killed[0])

    recipe = small(threads=1, epochs=12)
    with opened("ray") as place:
        away = search(
            tmp_path / "away", 7, at_once=2, recipe=recipe, place=place, callbacks=[Kill()],
            checkpoint_every=0.1,
        )  # fmt: skip
    assert len(killed) == 1
    assert found(away) == found(search(tmp_path / "here", 7, at_once=2, recipe=recipe))
    nodes.add(1)
    nodes.wait()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_here_it_goes_on_where_it_was(nodes, number, tmp_path):
    command = ["search", "mlp", "digits", "--image-size", "8", "--widths", "16", "--trials", "5"]
    command += ["--epochs", "60", "--augment", "none", "--threads", "1", "--at-once", "2"]
    command += ["--over", "lr=0.001..0.5", "--checkpoint-every", "0.1", "--quiet"]
    process = subprocess.Popen(
        [*CUTAWAY, *command, "--on", "ray", "--out", "away"], cwd=tmp_path, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    second = tmp_path / "away" / "trials" / "001" / "checkpoint"
    eventually(lambda: process.poll() is not None or second.exists(), 240)
    process.send_signal(number)
    _, said = process.communicate(timeout=240)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said.strip().endswith("Go on with: cutaway resume away")
        assert said.count("\n") == 1
    assert Search(tmp_path / "away").done[0] < 5
    assert cutaway("resume", tmp_path / "away", "--on", "ray", "--quiet").code == 0
    assert cutaway(*command, "--out", tmp_path / "here").code == 0
    assert found(Search(tmp_path / "away")) == found(Search(tmp_path / "here"))


def test_a_trial_that_cannot_be_trained_fails_alone(nodes, tmp_path):
    """A loss that is not finite is a result of the trial, there as here."""
    over = {"lr": [0.01, 900.0]}
    recipe = small(threads=1, optimizer="sgd")
    here = search(tmp_path / "here", 2, over, at_once=2, recipe=recipe)
    with opened("ray") as place:
        away = search(tmp_path / "away", 2, over, at_once=2, recipe=recipe, place=place)
    assert "failed" in {trial.state for trial in here.trials}
    trials = [(one.path / "trials.json").read_text() for one in (away, here)]
    assert trials[0].replace("away", "here") == trials[1]


def test_what_cannot_be_is_said_in_a_sentence(nodes, tmp_path):
    words = ["search", "mlp", "digits", "--image-size", "8", "--on", "ray"]
    for more, said in (
        (["--cpus", "9"], "has 9 CPUs, the largest has 1"),
        (["--at-once=-1"], "At least one trial is at work"),
        (["--threads", "2"], "2 threads take more than the 1 CPU of a task"),
    ):
        done = cutaway(*words, *more, folder=tmp_path)
        assert (done.code, said in done.said) == (2, True)
        assert not [*tmp_path.iterdir()]
