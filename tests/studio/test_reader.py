"""Runs that the studio reads from their files: finished, or trained elsewhere at the moment."""

import re
import shutil

import pytest
from helpers.killed_runs import digest
from helpers.studio import elsewhere, play

from cutaway.api import fit
from cutaway.learn.snapshots import Snapshots, snapshots

OFF = {"kind": "hold", "layer": "hidden.0.U", "unit": 3, "value": 0.0}
LOUD = OFF | {"value": 30.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit("mlp", "digits", epochs=2, out=out, progress=False, callbacks=[Snapshots()])


def test_a_finished_run_shows_each_of_its_snapshots(run):
    async def scene(desk):
        await desk.hub.open(run.path)
        begun = await desk.kind("begun")
        assert begun["snapshots"] == sorted(snapshots(run.path))
        await desk.say(look={"curves": {}, "confusion": {}, "filters": {}})
        last = await desk.until(lambda m: m["kind"] == "frame" and len(m["figures"]) == 3)
        assert last["step"] == begun["steps"]
        await desk.say(show=0)
        first = await desk.until(lambda m: m["kind"] == "frame" and m["step"] == 0)
        assert first["epoch"] == 0
        assert first["figures"]["filters"] != last["figures"]["filters"]
        right = [
            sum(row[k] for k, row in enumerate(one["figures"]["confusion"][0]["counts"]))
            for one in (first, last)
        ]
        assert right[0] < right[1]

    play(scene)


def test_a_run_without_a_history_of_its_steps_shows_its_epochs(run, tmp_path):
    """As an earlier version wrote it."""
    old = tmp_path / "old"
    shutil.copytree(run.path, old)
    (old / "steps.jsonl").unlink()

    async def scene(desk):
        await desk.hub.open(old)
        await desk.say(look={"curves": {}})
        shown = await desk.until(lambda m: m["kind"] == "frame" and m["figures"])
        assert (shown["step"], shown["epoch"]) == (run.metrics[-1]["step"], 2)
        series = [one for figure in shown["figures"]["curves"] for one in figure["series"]]
        assert {len(one["x"]) for one in series} == {2}

    play(scene)


def test_a_unit_is_switched_off_to_see_what_it_was_for_and_the_run_stays_as_it_is(run):
    before = {one: digest(one) for one in run.path.rglob("*") if one.is_file()}

    async def scene(desk):
        await desk.hub.open(run.path)
        await desk.kind("begun")
        await desk.say(look={"confusion": {}, "filters": {}})
        shown = {}
        for way, message in (
            ("whole", {}),
            ("without", {"change": LOUD}),
            ("again", {"undo": True}),
        ):
            await desk.say(**message)
            frame = await desk.until(lambda m: m["kind"] == "frame" and len(m["figures"]) == 2)
            shown[way] = frame["figures"]
        assert shown["again"] == shown["whole"]
        for name in ("confusion", "filters"):
            assert shown["without"][name] != shown["whole"][name]
        told = [one for one in desk.heard if one["kind"] == "changed"]
        supposed = next(one for one in told if one["interventions"] and one["undo"])
        assert supposed["lasting"]["held"] == [["hidden.0.U", 3, 30.0]]
        text = "What if: unit 3 of hidden.0.U was held at 30."
        assert supposed["interventions"][0]["text"] == text
        effects = [one["effect"] for m in told for one in m["interventions"]]
        assert re.fullmatch(
            r"Accuracy \S+ % before, \S+ % after \(\d+ validation images\)\.", effects[-1]
        )
        assert not told[-1]["undo"]

    play(scene)
    assert {one: digest(one) for one in run.path.rglob("*") if one.is_file()} == before


def test_what_is_supposed_of_a_unit_goes_along_through_time(run):
    async def scene(desk):
        await desk.hub.open(run.path)
        await desk.kind("begun")
        await desk.say(change=OFF)
        await desk.until(lambda m: m["kind"] == "changed" and m["undo"])
        place = {"layer": "hidden.0.U", "unit": 3}
        for step in (0, 10**6):
            await desk.say(show=step)
            await desk.say(ask={"kernel": place})
            assert set((await desk.kind("kernel"))["values"]) == {0.0}
        await desk.say(change=OFF | {"value": None})
        await desk.say(ask={"kernel": place})
        assert set((await desk.kind("kernel"))["values"]) != {0.0}

    play(scene)


def test_what_only_a_training_can_do_is_refused_in_a_sentence(run):
    async def scene(desk):
        await desk.hub.open(run.path)
        await desk.kind("begun")
        await desk.say(change={"kind": "rate", "factor": 2.0})
        assert "learns no more" in (await desk.kind("said"))["text"]
        await desk.say(change=OFF | {"unit": 999})
        assert "no 999" in (await desk.kind("said"))["text"]
        await desk.say(undo=True)
        assert "nothing to undo" in (await desk.kind("said"))["text"]
        await desk.say(do="go")
        assert "takes no steps" in (await desk.kind("said"))["text"]
        await desk.say(ask={"kernel": 3})
        assert "no request" in (await desk.kind("said"))["text"]

    play(scene)


def test_a_run_that_another_process_trains_is_followed(tmp_path):
    out = tmp_path / "elsewhere"
    words = ["lenet5", "digits", "--epochs", "400", "--checkpoint-every", "0.5"]

    async def scene(desk):
        await desk.hub.open(out)
        assert desk.hub.state["state"] == "reading"
        await desk.kind("begun")
        await desk.say(look={"curves": {}, "filters": {}})
        first = await desk.until(lambda m: m["kind"] == "frame" and m["figures"])
        await desk.until(lambda m: m["kind"] == "frame" and m["step"] > first["step"] + 20)

    with elsewhere(out / "checkpoint" / "last.safetensors", *words, "--out", str(out)):
        play(scene)


def test_a_run_that_nobody_trains_any_more_is_gone_on_with(run, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(run.path, half)
    for name in ("results.json", "weights.safetensors"):
        (half / name).unlink()

    async def scene(desk):
        await desk.hub.open(half)
        assert desk.hub.state["state"] == "starting"
        ended = await desk.kind("ended")
        assert "test images" in ended["text"]

    play(scene)


def test_an_older_version_of_a_run_is_not_gone_on_with(run, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(run.path, old)
    for name in ("results.json", "weights.safetensors"):
        (old / name).unlink()
    recipe = old / "recipe.toml"
    recipe.write_text(re.sub(r"^format = \d+", "format = 1", recipe.read_text(), flags=re.M))

    async def scene(desk):
        await desk.hub.open(old)
        assert "earlier version of Cutaway" in (await desk.state("failed"))["text"]

    play(scene)


def test_a_damaged_run_is_told_in_a_sentence(run, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(run.path, broken)
    (broken / "weights.safetensors").write_bytes(b"\0" * 100)

    async def scene(desk):
        await desk.hub.open(broken)
        failed = await desk.state("failed")
        assert "weights.safetensors" in failed["text"]

    play(scene)
