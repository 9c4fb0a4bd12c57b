"""A tensor's sketch against what is computed from all of its values."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from cutaway.see.sketch import POINTS, SAMPLE, in_memory, places, read, sampled, sketch


def figures(*tensors):
    return read([sketch(x) for x in tensors])


def test_a_small_tensor_is_sketched_exactly():
    x = torch.randperm(POINTS).double().reshape(5, 13) - 3
    (row,) = figures(x).rows
    assert row[0].item() == pytest.approx(x.mean().item())
    assert row[1].item() == pytest.approx(x.std().item())
    assert row[2:].tolist() == list(range(-3, POINTS - 3))


@given(some.integers(1, 40), some.integers(1, 40), some.integers(0, 9))
def test_means_and_spreads_are_of_all_values(rows, columns, seed):
    draw = torch.Generator().manual_seed(seed)
    one = torch.randn(rows, 3, columns, columns, generator=draw)
    other = torch.randn(rows + 1, 2, generator=draw)
    for x, row in zip((one, other), figures(one, other).rows, strict=True):
        assert row[0].item() == pytest.approx(x.double().mean().item(), abs=1e-6)
        assert row[1].item() == pytest.approx(x.double().std().item(), rel=1e-5)


def test_the_first_number_that_is_not_finite_is_found():
    good, one, other = torch.ones(4, 3), torch.ones(5, 2), torch.ones(6, 2)
    one[3, 1], other[2, 0] = torch.inf, torch.nan
    assert figures(good, one, other).bad == (1, 3)
    assert figures(good).bad is None
    huge = torch.full((2, 3), 1e30)  # the squares are infinite, the numbers are not
    assert figures(huge).bad is None
    assert figures(huge).rows[0, 0].item() == pytest.approx(1e30)


def test_what_is_changed_in_place_afterwards_was_seen_as_it_was():
    x = torch.ones(4, 3)
    seen = sketch(x)
    x.zero_()
    assert read([seen]).rows[0, 2:].eq(1).all()


@given(some.integers(SAMPLE + 1, 3_000_000))
def test_the_sample_is_spread_evenly(n):
    gaps = places(n, torch.device("cpu")).sort().values.diff()
    assert gaps.max() < 3 * n / SAMPLE + 1


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [6, 16, 64])
def test_every_channel_is_met(order, channels):
    x = torch.arange(channels).float().reshape(1, channels, 1, 1).expand(32, channels, 14, 14)
    sample = sampled(in_memory(x.contiguous(memory_format=order)))
    assert len(sample) <= SAMPLE
    assert sample.unique().tolist() == list(range(channels))


def test_what_lies_apart_in_memory_is_sampled_too():
    x = torch.arange(200.0).reshape(10, 20)[:, :7].expand(100, 10, 7)
    assert set(sampled(in_memory(x)).tolist()) <= set(x.reshape(-1).tolist())


def test_quantiles_of_a_large_sample_are_near():
    x = torch.randn(64, 32, 20, 20, generator=torch.Generator().manual_seed(0))
    quantiles = figures(x).rows[0, 2:]
    assert quantiles[32].item() == pytest.approx(0, abs=0.15)
    assert quantiles[54].item() == pytest.approx(1, abs=0.2)  # 84 % lie below one deviation
    assert (quantiles.diff() >= 0).all()


def test_half_precision_is_summed_in_single():
    x = torch.full((300, 300), 100.0, dtype=torch.bfloat16)
    assert sketch(x).sums.sum() == 9_000_000
