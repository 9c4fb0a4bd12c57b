import pytest
import torch
from helpers.agreement import agree, few, normal, positive, seeds, shapes, some, tied
from hypothesis import given
from hypothesis import strategies as st

from cutaway.byhand.operations import (
    Absolute,
    Add,
    Divide,
    Exponential,
    InverseRoot,
    Logarithm,
    Multiply,
    Negative,
    Power,
    Square,
    SquareRoot,
    Subtract,
    SubtractFrom,
    Where,
)


@st.composite
def pairs(draw):
    """Two shapes that are repeated to fit each other."""
    shape = draw(shapes)

    def thinned():
        kept = [draw(st.sampled_from([1, n])) for n in shape]
        return tuple(kept[draw(st.integers(0, len(kept))) :])

    return draw(st.permutations([shape, thinned()]))


@pytest.mark.parametrize(
    ("operation", "function"),
    [
        (Add(), torch.add),
        (Add(3), lambda a, b: torch.add(a, b, alpha=3)),
        (Subtract(), torch.sub),
        (Subtract(0.5), lambda a, b: torch.sub(a, b, alpha=0.5)),
        (SubtractFrom(), torch.rsub),
        (SubtractFrom(2), lambda a, b: torch.rsub(a, b, alpha=2)),
        (Multiply(), torch.mul),
        (Divide(), torch.div),
    ],
    ids=lambda f: getattr(f, "__name__", None) or str(f),
)
@few
@given(pairs(), seeds)
def test_of_two(operation, function, sizes, seed):
    a, b = (normal(*shape, seed=seed + i) for i, shape in enumerate(sizes))
    agree(operation, function, a, b + 3 * b.sign())


@few
@given(pairs(), seeds)
def test_of_two_in_single_precision(sizes, seed):
    a, b = (positive(*shape, seed=seed + i) for i, shape in enumerate(sizes))
    agree(Divide(), torch.div, a, b, dtype=torch.float32)
    agree(Multiply(), torch.mul, a, b, dtype=torch.float32)


@some
@given(pairs(), st.data(), seeds)
def test_where(sizes, data, seed):
    a, b = (normal(*shape, seed=seed + i) for i, shape in enumerate(sizes))
    condition = normal(*data.draw(st.sampled_from(sizes)), seed=seed + 2) > 0
    agree(Where(), torch.where, condition, a, b)


@pytest.mark.parametrize(
    ("operation", "function", "numbers"),
    [
        (Square(), torch.square, normal),
        (Negative(), torch.neg, normal),
        (Absolute(), torch.abs, tied),
        (Exponential(), torch.exp, normal),
        (Logarithm(), torch.log, positive),
        (SquareRoot(), torch.sqrt, positive),
        (InverseRoot(), torch.rsqrt, positive),
    ],
    ids=lambda f: getattr(f, "__name__", None) or str(f),
)
@few
@given(shapes, seeds)
def test_of_one(operation, function, numbers, shape, seed):
    agree(operation, function, numbers(*shape, seed=seed))


@some
@given(shapes, st.sampled_from([-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3]), seeds)
def test_power(shape, n, seed):
    agree(Power(n), lambda x: x**n, positive(*shape, seed=seed))


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_powers_of_0(n):
    agree(Power(n), lambda x: x**n, torch.tensor([0.0, -2.0, 2.0]))
