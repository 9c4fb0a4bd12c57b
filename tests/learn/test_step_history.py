"""What each step came to: exact, bounded, and the same whatever a run went through."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.digits import digits
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.learn import fleet
from cutaway.learn.fit import fit
from cutaway.learn.step_history import MOST, Snapshot, Windows, numbers
from cutaway.recipes import pair

RECIPE = pair("mlp", "digits").override(epochs=3, batch_size=256, seed=3)


@settings(max_examples=20)
@given(steps=st.integers(1, 4 * MOST + 3), stop=st.integers(0, 4 * MOST), seed=st.integers(0, 9))
def test_windows_are_means_and_ends_of_equally_many_steps(steps, stop, seed):
    values = np.random.default_rng(seed).normal(size=(steps, 2))
    windows = Windows(("lr", "train_loss"))
    windows.add(values[:stop, :, None])
    windows = Windows.restored(windows.state())  # put away and brought back
    windows.add(values[stop:, :, None])
    rows = windows.rows()
    width = rows[0]["steps"]
    assert MOST // 2 <= len(rows) <= MOST or width == 1
    parts = [values[start : start + width, 1] for start in range(0, steps, width)]
    assert [row["step"] for row in rows] == [*range(width, steps, width), steps]
    for end, of in {"": np.mean, "_min": np.min, "_max": np.max}.items():
        found = [row[f"train_loss{end}"] for row in rows]
        assert found == pytest.approx([of(part) for part in parts], rel=1e-5)
    by_one = Windows(("lr", "train_loss"))
    for value in values:
        by_one.add(value[None, :, None])
    assert by_one.rows() == rows
    assert np.mean(values[-len(parts[-1]) :, 0]) == pytest.approx(rows[-1]["lr"], rel=1e-5)


def test_the_steps_of_an_epoch_add_up_to_it(tmp_path):
    run = fit(RECIPE, digits(), out=tmp_path / "run")
    count = len(run.split.train)
    images = [256] * (count // 256) + [count % 256]
    for epoch, row in enumerate(run.metrics):
        steps = run.steps[epoch * len(images) : (epoch + 1) * len(images)]
        for name in ("train_loss", "train_accuracy"):
            mean = np.average([step[name] for step in steps], weights=images)
            assert mean == pytest.approx(row[name], rel=1e-5)
        assert steps[-1]["lr"] == pytest.approx(row["lr"], rel=1e-5)


def test_players_and_stages_have_their_own(tmp_path):
    gan = pair("gan", "digits").override(epochs=1, batch_size=256, model_options={"width": 8})
    steps = fit(gan, digits(), out=tmp_path / "gan").steps
    assert {"train_generator_loss", "train_discriminator_loss"} <= steps[0].keys()
    stages = [{"epochs": 1, "lr": 0.1}, {"epochs": 2, "lr": 0.01}]
    steps = fit(RECIPE.override(stages=stages), digits(), out=tmp_path / "stages").steps
    ends = [row["step"] for row in steps if row["stage"] == 2]
    assert ends == list(range(1, len(ends) + 1))
    assert len(steps) == 3 * len(ends) // 2


def test_copies_on_a_device_are_read_as_numbers_are():
    """What a GPU holds until it is read, here on the processor."""
    plain = [Snapshot([[1.0, 2.0], [3.0, k]], [4, 4], [0.1, 0.2], False) for k in (4.0, 5.0)]
    held = [replace(one, sums=torch.tensor(one.sums, dtype=torch.float64)) for one in plain]
    for a, b in zip(numbers(plain), numbers(held), strict=True):
        assert np.array_equal(a, b)
        assert a.shape[:2] == (2, 2)


def test_members_of_a_stack_have_those_that_they_have_alone(tmp_path):
    two = RECIPE.override(vary={"lr": [0.001, 0.01]}, precision="float32")
    stack = fleet.launch(two, digits(), way="batched", out=tmp_path / "stack")
    alone = fleet.launch(two, digits(), way="in-turn", out=tmp_path / "alone")
    for one, other in zip(stack.members, alone.members, strict=True):
        for a, b in zip(one.steps, other.steps, strict=True):
            for name in a.keys() | b.keys():  # rounding may turn the answer to an image or two
                assert a[name] == pytest.approx(b[name], rel=1e-3, abs=0.02 * ("accuracy" in name))
    assert stack.members[0].steps[-1]["lr"] != stack.members[1].steps[-1]["lr"]
