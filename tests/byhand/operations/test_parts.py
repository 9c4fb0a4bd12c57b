import pytest
import torch
from helpers.agreement import agree, each, normal, seeds, shapes, some, whole
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import Index, IndexCopy, Pad, Select, Slice, Unfold


@st.composite
def axis_of(draw):
    """A shape and one of its axes, counted from either end."""
    shape = draw(shapes)
    return shape, draw(st.integers(-len(shape), len(shape) - 1))


ends = st.none() | st.integers(-5, 5) | st.just(2**63 - 1)


@some
@given(axis_of(), ends, ends, st.integers(1, 3), seeds)
def test_slice(case, start, end, step, seed):
    shape, dim = case
    cut = slice(start, end, step)

    def function(x):
        return x.movedim(dim, 0)[cut].movedim(0, dim)

    agree(Slice(dim, start, end, step), function, normal(*shape, seed=seed))


@some
@given(axis_of(), st.data(), seeds)
def test_select(case, data, seed):
    shape, dim = case
    k = data.draw(st.integers(-shape[dim], shape[dim] - 1))
    agree(Select(dim, k), lambda x: x.select(dim, k), normal(*shape, seed=seed))


@some
@given(axis_of(), st.data(), seeds)
def test_unfold(case, data, seed):
    shape, dim = case
    size, step = data.draw(st.integers(1, shape[dim])), data.draw(st.integers(1, 3))
    agree(Unfold(dim, size, step), lambda x: x.unfold(dim, size, step), normal(*shape, seed=seed))


@some
@given(st.data(), st.integers(1, 4), st.sampled_from([None, 0.0, 1.5]), seeds)
def test_pad_with_a_constant(data, axes, value, seed):
    """Negative margins cut off."""
    sides, margins = data.draw(each(axes, 3, 5)), data.draw(each(2 * axes, -1, 2))
    x = normal(*sides, seed=seed)
    agree(Pad(margins, value=value), lambda x: F.pad(x, margins, value=value), x)


@pytest.mark.parametrize("mode", ["replicate", "reflect", "circular"])
@some
@given(st.data(), st.integers(1, 3), seeds)
def test_pad_with_copies(mode, data, axes, seed):
    sides, margins = data.draw(each(axes, 3, 5)), data.draw(each(2 * axes, 0, 2))
    x = normal(2, 2, *sides, seed=seed)
    agree(Pad(margins, mode), lambda x: F.pad(x, margins, mode), x)


@some
@given(st.data(), seeds)
def test_index(data, seed):
    """Places of some axes, repeated ones and ones from the end included; others as they are."""
    shape, length = data.draw(each(3, 1, 4)), data.draw(st.integers(1, 5))
    given_axes = data.draw(st.sampled_from([(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]))
    places = [
        whole(-n, n, length, seed=seed + k) if k in given_axes else None
        for k, n in enumerate(shape)
    ]
    everywhere = [slice(None) if k is None else k for k in places]
    agree(Index(), lambda x, *_: x[tuple(everywhere)], normal(*shape, seed=seed), *places)


def test_index_with_places_in_two_axes_and_with_a_mask():
    x, places = normal(5, 3), whole(0, 5, 2, 4)
    agree(Index(), lambda x, k: x[k], x, places)
    agree(Index(), lambda x, k: x[k], x, x > 0)
    agree(Index(), lambda x, k, m: x[k, m], x, places[:, :1], whole(0, 3, 4))


@some
@given(axis_of(), st.data(), seeds)
def test_index_copy(case, data, seed):
    shape, dim = case
    count = data.draw(st.integers(0, shape[dim]))
    index = torch.randperm(shape[dim], generator=torch.Generator().manual_seed(seed))[:count]
    rows = [*shape]
    rows[dim] = count
    x, z = normal(*shape, seed=seed), normal(*rows, seed=seed + 1)
    agree(IndexCopy(dim), lambda x, k, z: x.index_copy(dim, k, z), x, index, z)
