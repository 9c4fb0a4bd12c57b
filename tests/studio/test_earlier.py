"""The runs of a folder, to be opened from the page."""

import os
import shutil

import pytest
from helpers.studio import play

from cutaway.api import fit
from cutaway.errors import UsageError
from cutaway.learn.fleet import Fleet
from cutaway.studio.earlier import earlier, named


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_no_folder_has_no_runs():
    assert earlier() == []


def test_runs_and_fleets_are_listed_newest_first_and_one_that_is_damaged_too(tmp_path):
    run = fit("mlp", "digits", epochs=1, progress=False)
    fleet = fit("mlp", "digits", epochs=1, replicates=2, progress=False)
    shutil.copytree(run.path, "runs/broken")
    (tmp_path / "runs" / "broken" / "results.json").write_text("{")
    (tmp_path / "runs" / "notes").mkdir()
    shutil.copytree(run.path, "runs/half")
    (tmp_path / "runs" / "half" / "results.json").unlink()
    shutil.copytree(fleet.path, "runs/few")
    (tmp_path / "runs" / "few" / "results.json").unlink()
    shutil.rmtree(Fleet("runs/few").place(1))
    for age, name in enumerate(("broken", fleet.path.name, run.path.name, "half", "few")):
        for file in (tmp_path / "runs" / name).iterdir():
            os.utime(file, (10**9 - age, 10**9 - age))
    told = earlier()
    names = ["broken", fleet.path.name, run.path.name, "half", "few"]
    assert [one["name"] for one in told] == names
    assert [one["goes_on"] for one in told] == [False, False, False, True, True]
    assert "cannot be read" in told[0]["told"]
    assert told[1]["told"].startswith("mlp on digits, 2 ")
    assert told[2]["told"].startswith("mlp on digits, 1 epoch, accuracy")


@pytest.mark.parametrize("name", ["../elsewhere", "", "/etc", None, 3, ["x"], "notes"])
def test_what_is_no_run_of_the_folder_is_refused(tmp_path, name):
    (tmp_path / "runs" / "notes").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "recipe.toml").write_text("")
    with pytest.raises(UsageError, match="There is no run"):
        named(name)


def test_a_run_is_opened_by_its_name_and_none_while_a_training_is_at_work():
    run = fit("mlp", "digits", epochs=1, progress=False)

    async def scene(desk):
        await desk.start()
        await desk.say(open=run.path.name)
        assert "at work" in (await desk.kind("said"))["text"]
        await desk.say(close=True)
        await desk.state("choosing")
        await desk.say(open="other")
        assert "no run 'other'" in (await desk.kind("said"))["text"]
        await desk.say(open=run.path.name)
        assert (await desk.state("reading"))["run"].endswith(run.path.name)
        await desk.kind("begun")

    play(scene)
