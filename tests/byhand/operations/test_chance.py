import pytest
import torch
from helpers.agreement import few
from hypothesis import given
from hypothesis import strategies as st

from cutaway.byhand.operations import Constant, DropoutMask, ReLU


@few
@given(st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.integers(0, 99))
def test_a_mask_has_two_values_and_the_mean_1(p, seed):
    x = torch.randn(40, 50, 10, dtype=torch.float64)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mask = DropoutMask(p).forward(x)
    assert mask.shape == x.shape
    assert mask.dtype == x.dtype
    kept = mask != 0
    torch.testing.assert_close(mask[kept], torch.full_like(mask[kept], 1 / (1 - p)))
    share, error = kept.double().mean().item(), (p * (1 - p) / x.numel()) ** 0.5
    assert abs(share - (1 - p)) <= 5 * error


def test_a_mask_is_drawn_anew_from_the_global_stream():
    mask, x = DropoutMask(), torch.ones(100)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first, second = mask.forward(x), mask.forward(x)
        torch.manual_seed(3)
        assert torch.equal(mask.forward(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("shape", [(50, 40), (50, 40, 3), (50, 40, 3, 4)])
def test_whole_maps_are_dropped(shape):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mask = DropoutMask(0.25, maps=True).forward(torch.ones(shape))
    assert mask.shape == (50, 40, *(1,) * (len(shape) - 2))
    assert 0.7 < (mask != 0).float().mean() < 0.8


def test_dropping_everything():
    assert DropoutMask(1.0).forward(torch.ones(3)).tolist() == [0, 0, 0]


def test_what_is_drawn_and_what_is_computed():
    assert DropoutMask().random
    assert Constant(torch.randn_like, "randn_like").random
    assert not Constant(torch.sign, "sign").random
    assert not ReLU().random


def test_no_gradient_goes_through_a_mask_or_a_constant():
    x = torch.ones(3)
    draw = Constant(torch.bernoulli, "bernoulli")
    assert DropoutMask().backward(x, x, x) == (None,)
    assert torch.equal(draw.forward(x), x)
    assert draw.backward(x, x, x, x) == (None, None)
