"""Members that learn as one stack are what they would be alone."""

import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from helpers import TESTS
from helpers.digits import digits
from helpers.small_fleet import IMAGES, small
from torch import nn

from cutaway.data.feed import Feed, Normalise
from cutaway.errors import TrainingError, UsageError
from cutaway.learn import memory
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.fleet.stack import Feeds, neighbours
from cutaway.learn.fleet.stackable import try_stack
from cutaway.learn.tasks.classify import Classify


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.model.parameters()])


class Heard(Callback):
    """What was said."""

    def __init__(self):
        self.why, self.epochs = "", []

    def on_fleet_begin(self, fleet, why):
        self.why = why

    def on_members_epoch_end(self, fleet, rows):
        self.epochs.append([row["epoch"] for row in rows])


SETTINGS = {
    "plain": {},
    "augmented": {"augment": "shift:1"},
    "nesterov": {"optimizer": "nesterov", "optimizer_options": {}, "weight_decay": 0.01},
    "partly-frozen": {"freeze": "hidden"},
    # Not with Adam: a bias before another normalisation has a gradient of rounding alone, and its
    # quotients make whole steps of that.
    "normalised": {
        "model": "lenet_norm",
        "model_options": {},
        "image_size": 32,
        "epochs": 1,
        "optimizer": "nesterov",
        "optimizer_options": {},
    },
}


# How far weights and losses may be apart: by rounding, which Adam's quotients pass on.
CLOSE = {"float32": (1e-4, 1e-4), "bfloat16": (2e-2, 5e-3)}
TRIED = [(name, "float32") for name in SETTINGS]
TRIED += [("plain", "bfloat16"), ("normalised", "bfloat16")]


@pytest.mark.parametrize(("name", "precision"), TRIED)
def test_a_member_of_a_stack_is_what_it_would_be_alone(name, precision, tmp_path):
    vary = {"lr": [0.004, 0.001], "seed": [3, 4]}
    recipe = small(**SETTINGS[name], vary=vary, precision=precision)
    images = digits(180, recipe.image_size)
    alone, stacked = (
        launch(recipe, images, way=way, out=tmp_path / way) for way in ("in-turn", "batched")
    )
    assert stacked.way == "batched"
    assert stacked.at_once == 4
    assert len({weights(run).sum().item() for run in stacked.members}) == 4
    for one, two in zip(alone.members, stacked.members, strict=True):
        assert one.recipe == two.recipe
        apart = (weights(one) - weights(two)).norm() / weights(one).norm()
        assert apart < CLOSE[precision][0]
        assert [row["lr"] for row in one.metrics] == [row["lr"] for row in two.metrics]
        for a, b in zip(one.metrics, two.metrics, strict=True):
            for loss in ("train_loss", "val_loss"):
                assert a[loss] == pytest.approx(b[loss], rel=CLOSE[precision][1])


def test_a_member_that_was_lost_does_not_spoil_the_others(tmp_path):
    with pytest.raises(TrainingError, match=r"1 of 2 members .* Member 2: the loss stopped"):
        launch(
            small(optimizer="nesterov", optimizer_options={}, epochs=8, vary={"lr": [0.01, 900.0]}),
            IMAGES, way="batched", out=tmp_path / "x",
        )  # fmt: skip
    fleet = Fleet(tmp_path / "x")
    assert fleet.ended(0)
    for _ in range(2):
        assert not fleet.ended(1)
        with pytest.raises(TrainingError, match=r"1 of 2 members .* Member 2: the loss stopped"):
            Fleet(fleet.path).resume(IMAGES)


def test_waves_where_memory_holds_fewer(tmp_path, monkeypatch):
    heard = Heard()
    monkeypatch.setattr(memory, "total", lambda device: 1_400_000)
    fleet = launch(
        small(replicates=5), IMAGES, way="batched", out=tmp_path / "x", callbacks=[heard]
    )
    assert 2 <= fleet.at_once < 5
    assert f"{fleet.at_once} of 5 fit into memory at a time" in heard.why
    assert fleet.finished
    assert len(heard.epochs) == 2 * -(-5 // fleet.at_once)
    monkeypatch.setattr(memory, "total", lambda device: 1000)
    with pytest.raises(UsageError, match="memory holds one of these"):
        launch(small(replicates=5), IMAGES, way="batched", out=tmp_path / "y")


@pytest.mark.parametrize(
    ("recipe", "vary", "why"),
    [
        (small(), {"widths": ["8", "16"]}, "differ in model_options"),
        (small(patience=2), {"seed": [0, 1]}, "patience 2 is for each"),
        (small(dropout=0.5), {"seed": [0, 1]}, "dropout"),
        (small(optimizer="muon", optimizer_options={}), {"seed": [0, 1]}, "muon looks at"),
    ],
)
def test_what_cannot_be_a_stack_says_why(recipe, vary, why, tmp_path):
    with pytest.raises(UsageError, match=why):
        launch(recipe.override(vary=vary), IMAGES, way="batched", out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


class Drawn(nn.Module):
    """Noise that no recipe knows of."""

    def forward(self, x):
        return x + torch.randn_like(x)


class Counted(nn.Module):
    """Depends on how many networks there are, as nothing should."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(64, 10))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x.flatten(1) @ self.w * self.calls


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10), Drawn()), "torch.func cannot"),
        (Counted, "depend on which networks"),
    ],
)
def test_a_trial_finds_what_no_rule_foresaw(make, why):
    feed = Feed(IMAGES, torch.arange(32), batch_size=8, normalise=Normalise((0.5,), (0.5,)))
    networks = [make(), make()]
    assert why in try_stack(networks, Classify(), feed.batch(0))


def test_batches_are_those_of_the_members():
    common = {"batch_size": 8, "normalise": Normalise((0.5,), (0.5,))}
    feeds = [Feed(IMAGES, torch.arange(100), seed=seed, **common) for seed in range(3)]
    for number in (0, 5, 30):
        found = Feeds(feeds).batch(number)
        for i, feed in enumerate(feeds):
            own = feed.batch(number)
            assert torch.equal(found.x[i], own.x)
            assert torch.equal(found.t[i], own.t)
            assert torch.equal(found.index[i], own.index)


def test_folds_of_other_sizes_are_stacks_of_their_own(tmp_path):
    said, heard = [], Heard()
    heard.on_note = said.append
    images = replace(digits(361), parts=None)
    recipe = small(folds=5, batch_size=64, epochs=1, val=0.0, precision="float32")
    alone = launch(recipe, images, way="in-turn", out=tmp_path / "alone")
    stacked = launch(recipe, images, way="batched", callbacks=[heard], out=tmp_path / "stacked")
    learned = [len(run.split.train) for run in stacked.members]
    assert len(set(learned)) == 2
    assert "equally many images" in said[0]
    for one, two in zip(alone.members, stacked.members, strict=True):
        assert (weights(one) - weights(two)).norm() < 1e-4 * weights(one).norm()


def test_neighbours():
    assert neighbours("aabccc") == [slice(0, 2), slice(2, 3), slice(3, 6)]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from helpers.small_fleet import IMAGES, small
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import launch
from cutaway.learn.training import Training

save, saves = Training.save, 0

def saving(training):
    global saves
    saves += 1
    if saves == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    save(training)

Training.save = saving
launch(small(replicates=3), IMAGES, way="batched", out={out!r}, checkpoint_every=0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 4, 5, 9, 20, 21, 24])
def test_a_stack_that_was_killed_between_two_checkpoints_goes_on_to_the_bit(at, whole, tmp_path):
    """Three members are written one after the other; each place in such a round is tried."""
    script = KILLED.format(tests=str(TESTS), at=at, out=str(tmp_path / "x"))
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    fleet = Fleet(tmp_path / "x").resume(IMAGES)
    for one, two in zip(whole.members, fleet.members, strict=True):
        for name in ("metrics.jsonl", "weights.safetensors", "results.json"):
            assert (one.path / name).read_bytes() == (two.path / name).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    place = tmp_path_factory.mktemp("whole") / "x"
    return launch(small(replicates=3), IMAGES, way="batched", out=place)
