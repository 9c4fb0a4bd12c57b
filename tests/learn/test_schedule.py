import pytest
import torch
from helpers.small_loop import RECIPE, network, trained, weights
from hypothesis import given
from hypothesis import strategies as st

from cutaway.learn.schedule import rate

SCHEDULES = ["one-cycle", "linear", "cosine", "step", "constant"]


def rates(schedule: str, steps: int, warmup: float) -> list[float]:
    return [rate(schedule, step, steps, warmup) for step in range(steps)]


def test_one_cycle_is_pytorchs():
    """The oracle counts its phases in steps less one; at 10,000 steps that is no difference."""
    steps = 10_000
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=steps + 1, pct_start=0.3, cycle_momentum=False
    )
    for ours in rates("one-cycle", steps, 0.3):
        assert ours == pytest.approx(oracle.get_last_lr()[0], abs=3e-4)
        optimizer.step()
        oracle.step()


def test_cosine_is_pytorchs():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    oracle = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    for ours in rates("cosine", 100, 0.0):
        assert ours == pytest.approx(oracle.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        oracle.step()


def test_step_falls_by_tens():
    found = rates("step", 100, 0.0)
    assert [found[step] for step in (0, 49, 50, 75, 99)] == [1, 1, 0.1, 0.01, 0.01]


def test_a_rise_is_even_and_ends_below_the_highest_rate():
    assert rates("linear", 8, 0.5)[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_a_warm_up_that_is_asked_for_is_taken_in_a_short_run_too():
    assert rates("constant", 4, 0.2) == [0.5, 1, 1, 1]
    assert rates("constant", 2, 0.9) == [0.5, 1]


@given(st.sampled_from(SCHEDULES), st.integers(1, 2000), st.floats(0, 0.9), st.data())
def test_every_step_learns_and_none_above_the_highest_rate(schedule, steps, warmup, data):
    steps = data.draw(st.sampled_from([steps, 1, 2, 3, 1_000_000]))
    for step in {0, steps - 1, data.draw(st.integers(0, steps - 1))}:
        assert 0.0 < rate(schedule, step, steps, warmup) <= 1.0


@given(st.sampled_from(SCHEDULES), st.integers(1, 300), st.floats(0, 0.9))
def test_the_rate_rises_to_its_highest_and_then_never_rises(schedule, steps, warmup):
    found, rising = rates(schedule, steps, warmup), min(round(warmup * steps), steps - 1)
    assert found[: rising + 1] == sorted(found[: rising + 1])
    assert found[rising] == pytest.approx(1.0)
    assert found[rising:] == sorted(found[rising:], reverse=True)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.2, 0.9])
def test_a_run_of_one_step_learns_at_the_highest_rate(schedule, warmup):
    plain = RECIPE.override(optimizer="sgd", momentum=0, schedule="constant", warmup=0)
    found = trained(plain.override(schedule=schedule, warmup=warmup), 1)
    assert torch.equal(weights(found), weights(trained(plain, 1)))
    assert not torch.equal(weights(found), weights(network()))
