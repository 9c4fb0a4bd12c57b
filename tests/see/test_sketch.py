"""A tensor's sketch against what is computed from all of its values."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from cutaway.see.sketch import POINTS, SAMPLE, places, quantiles, sampled, sketch


def test_a_small_tensor_is_sketched_exactly():
    x = torch.randperm(POINTS).double().reshape(5, 13) - 3
    found = sketch(x)
    assert found[0] == x.sum()
    assert found[1] == pytest.approx(x.norm().item())
    assert found[2:].tolist() == list(range(-3, POINTS - 3))


@given(some.integers(1, 40), some.integers(1, 40), some.integers(0, 9))
def test_sums_and_norms_are_of_all_values(rows, columns, seed):
    x = torch.randn(rows, 3, columns, columns, generator=torch.Generator().manual_seed(seed))
    found = sketch(x)
    assert found[0].item() == pytest.approx(x.double().sum().item(), abs=1e-2)
    assert found[1].item() == pytest.approx(x.double().norm().item(), rel=1e-5)


@given(some.integers(SAMPLE + 1, 3_000_000))
def test_the_sample_is_spread_evenly(n):
    gaps = places(n, torch.device("cpu")).sort().values.diff()
    assert gaps.max() < 3 * n / SAMPLE + 1


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [6, 16, 64])
def test_every_channel_is_met(order, channels):
    x = torch.arange(channels).float().reshape(1, channels, 1, 1).expand(32, channels, 14, 14)
    found = sampled(x.contiguous(memory_format=order))
    assert len(found) <= SAMPLE
    assert found.unique().tolist() == list(range(channels))


def test_what_lies_apart_in_memory_is_sampled_too():
    x = torch.arange(200.0).reshape(10, 20)[:, :7].expand(100, 10, 7)
    assert set(sampled(x).tolist()) <= set(x.reshape(-1).tolist())


def test_quantiles_of_a_large_sample_are_near():
    x = torch.randn(64, 32, 20, 20, generator=torch.Generator().manual_seed(0))
    found = quantiles(x)
    assert found[32].item() == pytest.approx(0, abs=0.15)
    assert found[54].item() == pytest.approx(1, abs=0.2)  # 84 % lie below one deviation
    assert (found.diff() >= 0).all()


def test_half_precision_is_summed_in_single():
    x = torch.full((300, 300), 100.0, dtype=torch.bfloat16)
    assert sketch(x)[0] == 9_000_000
