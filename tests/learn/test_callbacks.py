"""Callbacks hear of everything, in runs, fleets of every way and searches, and change no byte."""

import json
import os
import subprocess

import pytest
from helpers import TESTS
from helpers.callbacks import Diary, Ledger
from helpers.command import CUTAWAY
from helpers.digits import digits
from helpers.killed_runs import contents

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback, Callbacks, deserialize, resolve, serialize
from cutaway.learn.fit import fit
from cutaway.learn.fleet import launch
from cutaway.learn.run import Run
from cutaway.recipes import pair

SMALL = pair("mlp", "digits").override(
    model_options={"widths": "16"}, epochs=2, batch_size=64, image_size=8, augment="none"
)
STAGED = SMALL.override(epochs=1, stages=[{"epochs": 1}, {"epochs": 1, "lr": 0.001}])
STEPS = 3  # an epoch of 168 training images of 240


def test_a_run_tells_of_itself_in_order(tmp_path):
    diary = Diary()
    fit(STAGED, digits(240), out=tmp_path / "run", callbacks=[diary], checkpoint_every=1e9)
    kinds = [line.split()[0].removeprefix("on_") for line in diary.lines]
    step, stage = ["step_begin", "step_end"] * STEPS, ["evaluation_end", "epoch_end", "checkpoint"]
    whole = ["stage_begin", *step, *stage]
    assert kinds == [
        "run_begin", "checkpoint", *whole, "checkpoint", *whole, "evaluation_end", "run_end",
    ]  # fmt: skip
    parts = [line.split()[-1] for line in diary.lines if line.startswith("on_evaluation_end")]
    assert parts == ["val", "val", "test"]


def test_one_that_fails_ends_the_run_which_goes_on(tmp_path):
    class Enough(Callback):
        ended = 0

        def on_epoch_end(self, training, row):
            raise ValueError("enough")

        def on_run_end(self, training):
            self.ended += 1

    enough, diary = Enough(), Diary()
    with pytest.raises(ValueError, match="enough"):
        fit(SMALL, digits(240), out=tmp_path / "run", callbacks=[enough])
    assert enough.ended == 1
    Run(tmp_path / "run").resume(digits(240), callbacks=[diary])
    fit(SMALL, digits(240), out=tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    assert diary.counts()["on_epoch_end"] == 2  # from the checkpoint before the first step


@pytest.mark.parametrize("way", ["in-turn", "batched"])
def test_a_fleet_tells_of_its_members_and_learns_the_same(way, tmp_path):
    diary, recipe = Diary(), SMALL.override(replicates=2)
    told = launch(recipe, digits(240), way=way, out=tmp_path / "told", callbacks=[diary])
    plain = launch(recipe, digits(240), way=way, out=tmp_path / "plain")
    assert [contents(run.path) for run in told.members] == [
        contents(run.path) for run in plain.members
    ]
    counts = diary.counts()
    assert counts["on_run_begin"] == counts["on_run_end"] == counts["on_member_end"] == 2
    assert counts["on_step_end"] == 2 * 2 * STEPS
    assert counts["on_epoch_end"] == 4
    assert counts["on_evaluation_end"] == 6
    assert diary.lines[0].startswith("on_fleet_begin")
    assert diary.lines[-1].startswith("on_fleet_end")


def test_members_side_by_side_make_their_own(tmp_path, monkeypatch):
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    diary = Members()
    fleet = ca.fit(
        "mlp", "digits", recipe=SMALL.override(replicates=2), way="side-by-side",
        out=tmp_path / "fleet", callbacks=[Ledger("kept.txt"), diary], progress=False,
    )  # fmt: skip
    for run in fleet.members:
        lines = (run.path / "kept.txt").read_text().splitlines()
        assert [line for line in lines if "epoch" in line] == ["epoch 1", "epoch 2"]
        assert lines[-2].startswith("step ")
    assert sorted(diary.ended) == [0, 1]


class Members(Callback):
    """In the process that leads the fleet alone."""

    in_members = False

    def __init__(self) -> None:
        self.ended: list[int] = []

    def on_member_end(self, fleet, k):
        self.ended.append(k)


def test_what_members_cannot_make_is_refused_before_anything_is_written(tmp_path):
    class Local(Callback):
        pass

    with pytest.raises(UsageError, match=r"Local cannot be: put its class into a module"):
        launch(SMALL.override(replicates=2), digits(240), way="side-by-side",
               out=tmp_path / "x", callbacks=[Local()])  # fmt: skip
    assert not (tmp_path / "x").exists()
    assert [*deserialize(serialize(Callbacks([Ledger("a")])))] == [Ledger("a")]


def test_a_search_tells_of_its_trials(tmp_path):
    diary = Diary()
    ca.search("mlp", "digits", recipe=SMALL, trials=2, over={"lr": [0.1, 0.01]},
              out=tmp_path / "search", callbacks=[diary], progress=False)  # fmt: skip
    counts = diary.counts()
    assert counts["on_trial_end"] == counts["on_run_begin"] == counts["on_run_end"] == 2
    assert diary.lines[0].startswith("on_search_begin")
    assert diary.lines[-1].startswith("on_search_end")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ledger", r"named as package.module:Class, not 'Ledger'"),
        ("nowhere:Ledger", "cannot be imported: No module named 'nowhere'"),
        ("helpers.callbacks:Gone", "cannot be imported: .* has no attribute 'Gone'"),
        ("pathlib:Path", "a subclass of cutaway.Callback"),
        (7, "a subclass of cutaway.Callback, not 7"),
    ],
)
def test_what_is_no_callback_is_refused(name, said):
    with pytest.raises(UsageError, match=said):
        resolve([name])


@pytest.mark.slow
def test_one_is_named_on_the_command_line(tmp_path):
    """A class of a file in the folder where the command is typed, in the words of docs/learning."""
    (tmp_path / "mine.py").write_text(
        "import json\nfrom cutaway import Callback\n\nclass Log(Callback):\n"
        "    def on_epoch_end(self, training, row):\n"
        "        (training.run.path / 'log.json').write_text(json.dumps(row))\n\n"
        "class Broken(Callback):\n"
        "    def on_step_end(self, training):\n"
        "        raise ValueError('it is mine')\n"
    )

    def trained(callback: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*CUTAWAY, "train", "mlp", "digits", "--epochs", "2", "--callback", callback,
             "--quiet"], cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = trained("mine:Log")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "runs/mlp-digits-1/log.json").read_text())["epoch"] == 2
    broken = trained("mine:Broken")
    assert broken.returncode == 1
    assert broken.stderr.startswith(
        "Error: The callback mine:Broken, on_step_end, failed: ValueError: it is mine."
    )
