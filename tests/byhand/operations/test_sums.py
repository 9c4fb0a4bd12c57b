import pytest
import torch
from helpers.agreement import agree, few, flags, normal, seeds, shapes, some
from hypothesis import given
from hypothesis import strategies as st

from cutaway.byhand.operations import LogSumExp, Mean, Sum, Variance


@st.composite
def reductions(draw):
    """A shape and the axes that it loses: one, several from either end, or all."""
    shape = draw(shapes)
    n = len(shape)
    one = st.integers(-n, n - 1)
    several = st.lists(one, min_size=1, unique_by=lambda d: d % n).map(tuple)
    return shape, draw(st.none() | one | several | st.just(()))


@pytest.mark.parametrize(("kind", "function"), [(Sum, torch.sum), (Mean, torch.mean)])
@some
@given(reductions(), flags, seeds)
def test_sum_and_mean(kind, function, case, keepdim, seed):
    shape, dim = case
    x = normal(*shape, seed=seed)
    agree(kind(dim, keepdim), lambda x: function(x, dim, keepdim), x)


@some
@given(reductions(), flags, st.sampled_from([None, 0, 1, 0.5]), seeds)
def test_variance(case, keepdim, correction, seed):
    shape, dim = case
    axes = None if dim == () else dim  # for () autograd divides by -1
    known = {"correction": 1 if correction is None else correction, "keepdim": keepdim}
    x = normal(*(n + 1 for n in shape), seed=seed)
    agree(Variance(dim, keepdim, correction), lambda x: x.var(axes, **known), x)


@some
@given(reductions(), flags, st.sampled_from([1, 500]), seeds)
def test_log_sum_exp(case, keepdim, factor, seed):
    shape, dim = case
    x = factor * normal(*shape, seed=seed)
    axes = tuple(range(len(shape))) if dim in (None, ()) else dim
    agree(LogSumExp(dim, keepdim), lambda x: x.logsumexp(axes, keepdim), x)


@few
@given(shapes, seeds)
def test_in_single_precision(shape, seed):
    x = normal(2, *shape, seed=seed)
    agree(Mean(0), lambda x: x.mean(0), x, dtype=torch.float32)
    agree(Variance(0), lambda x: x.var(0), x, dtype=torch.float32)
    agree(LogSumExp(0), lambda x: x.logsumexp(0), x, dtype=torch.float32)


def test_of_one_number():
    agree(Sum(), torch.sum, normal())
    agree(Mean(), torch.mean, normal())
