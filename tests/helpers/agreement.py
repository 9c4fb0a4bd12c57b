"""One operation by hand beside the same function by PyTorch and autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from cutaway.byhand import Operation

some = settings(max_examples=30)
few = settings(max_examples=10)
axes = st.integers(1, 3)
seeds = st.integers(0, 99)
flags = st.booleans()

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def agree(
    operation: Operation,
    function: Callable[..., Any],
    *x: Tensor | None,
    still: Sequence[int] = (),
    dtype: torch.dtype = torch.float64,
) -> None:
    """The value is PyTorch's, every gradient is autograd's, and the inputs are left the same.

    Args:
        still: inputs of real numbers that have no gradient, by their place.
    """
    ours, theirs = ([copied(v, dtype) for v in x] for _ in range(2))
    moved = [
        i
        for i, v in enumerate(theirs)
        if v is not None and v.is_floating_point() and i not in still
    ]
    expected = function(*(v.requires_grad_() if i in moved else v for i, v in enumerate(theirs)))
    y = operation.forward(*ours)
    close(y, expected, dtype)
    g = normal(*y.shape, seed=7).to(dtype)
    sent = operation.backward(g.clone(), y, *ours)
    found = torch.autograd.grad(expected, [theirs[i] for i in moved], g, allow_unused=True)
    for i, slope in zip(moved, found, strict=True):
        share = sent[i]() if callable(sent[i]) else sent[i]
        zeros = torch.zeros_like(ours[i])
        close(zeros if share is None else share, zeros if slope is None else slope, dtype)
    for a, b in zip(ours, theirs, strict=True):
        if a is not None:
            close(a, b.detach(), dtype)


def copied(value: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    if value is None:
        return None
    return value.to(dtype, copy=True) if value.is_floating_point() else value.clone()


def close(found: Tensor, expected: Tensor, dtype: torch.dtype = torch.float64) -> None:
    tolerance = TOLERANCE[dtype]
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def positive(*shape: int, seed: int = 0) -> Tensor:
    return normal(*shape, seed=seed).abs() + 0.1


def tied(*shape: int, seed: int = 0) -> Tensor:
    """Few different numbers, so that many are equal and some are 0."""
    return (normal(*shape, seed=seed) * 1.5).round()


def whole(low: int, high: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


def each(axes: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A number for each axis."""
    return st.tuples(*[st.integers(low, high)] * axes)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
