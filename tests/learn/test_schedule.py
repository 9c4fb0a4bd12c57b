import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cutaway.learn.schedule import rate

SCHEDULES = ["one-cycle", "linear", "cosine", "step", "constant"]


def test_one_cycle_is_pytorchs():
    """The oracle counts its phases in steps less one; at 10,001 steps that is no difference."""
    steps = 10_001
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=steps, pct_start=0.3, cycle_momentum=False
    )
    for step in range(steps - 1):
        ours = rate("one-cycle", step / (steps - 1), 0.3)
        assert ours == pytest.approx(oracle.get_last_lr()[0], abs=3e-4)
        optimizer.step()
        oracle.step()


def test_cosine_is_pytorchs():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    oracle = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    for step in range(100):
        assert rate("cosine", step / 100, 0.0) == pytest.approx(oracle.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        oracle.step()


def test_step_falls_by_tens():
    assert [rate("step", t, 0.0) for t in (0, 0.49, 0.5, 0.75, 0.99)] == [1, 1, 0.1, 0.01, 0.01]


@given(st.sampled_from(SCHEDULES), st.floats(0, 0.999), st.floats(0, 0.9))
def test_rates_stay_between_zero_and_one(schedule, progress, warmup):
    assert 0.0 <= rate(schedule, progress, warmup) <= 1.0


@given(st.sampled_from(SCHEDULES), st.floats(0.01, 0.9))
def test_the_warm_up_rises_to_the_highest_rate(schedule, warmup):
    rates = [rate(schedule, warmup * k / 50, warmup) for k in range(51)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(1.0)
