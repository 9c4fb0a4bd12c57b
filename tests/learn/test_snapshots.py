"""Snapshots: which steps they are, what they take, and that they are the weights of their step."""

from itertools import pairwise

import pytest
import torch
from helpers.digits import digits
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cutaway.errors import RunError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.snapshots import Snapshots, kept_steps, read_snapshot, snapshots

RECIPE = Recipe(epochs=4, batch_size=32, lr=0.01, seed=3)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


class Weights(Callback):
    """Notes the weights before each step, and after the last."""

    def __init__(self):
        self.at = {}

    def on_step_begin(self, training):
        self.note(training)

    def on_run_end(self, training):
        self.note(training)

    def note(self, training):
        self.at[training.step] = training.model[1].weight.detach().clone()


@given(st.integers(1, 100_000), st.integers(2, 120))
def test_the_first_and_the_last_step_are_kept_and_more_at_the_beginning(total, count):
    steps = kept_steps(total, count)
    assert steps[0] == 0
    assert steps[-1] == total
    assert len(steps) <= count
    gaps = [b - a for a, b in pairwise(steps)]
    assert all(b >= a - 1 for a, b in pairwise(gaps))


def test_a_snapshot_is_the_weights_of_its_step(tmp_path):
    seen = Weights()
    run = fit(
        RECIPE, digits(), model=network(), out=tmp_path / "run",
        callbacks=[Snapshots(most=6), seen],
    )  # fmt: skip
    files = snapshots(run.path)
    assert sorted(files) == kept_steps(max(seen.at), 6)
    for step, path in files.items():
        assert torch.equal(read_snapshot(path)["1.weight"], seen.at[step])


def test_they_take_no_more_room_than_they_may(tmp_path):
    each = sum(value.nbytes for value in network().state_dict().values())
    run = fit(
        RECIPE, digits(), model=network(), out=tmp_path / "run",
        callbacks=[Snapshots(room=3 * each)],
    )  # fmt: skip
    assert len(snapshots(run.path)) == 3


def test_a_network_of_which_not_two_fit_has_none(tmp_path):
    run = fit(
        RECIPE, digits(), model=network(), out=tmp_path / "run", callbacks=[Snapshots(room=1000)]
    )
    assert snapshots(run.path) == {}


def test_a_run_with_snapshots_is_the_run_without(tmp_path):
    for name, callbacks in (("with", [Snapshots()]), ("without", [])):
        fit(RECIPE, digits(), model=network(), out=tmp_path / name, callbacks=callbacks)
    weights = [
        (tmp_path / name / "weights.safetensors").read_bytes() for name in ("with", "without")
    ]
    assert weights[0] == weights[1]


def test_each_stage_has_its_own(tmp_path):
    staged = RECIPE.override(stages=[{"epochs": 1}, {"epochs": 3}])
    run = fit(
        staged, digits(), model=network(), out=tmp_path / "run", callbacks=[Snapshots(most=8)]
    )
    first, whole = (row["step"] for row in (run.metrics[0], run.metrics[-1]))
    there = sorted(snapshots(run.path))
    assert {0, first, first + whole} <= set(there)
    assert len(there) <= 8


def test_a_damaged_one_is_refused_in_a_sentence(tmp_path):
    run = fit(
        RECIPE, digits(), model=network(), out=tmp_path / "run", callbacks=[Snapshots(most=2)]
    )
    path = snapshots(run.path)[0]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RunError):
        read_snapshot(path)
    assert isinstance(run, Run)
