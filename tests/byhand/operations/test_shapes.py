import torch
from helpers.agreement import agree, normal, seeds, shapes, some
from hypothesis import given
from hypothesis import strategies as st

from cutaway.byhand.operations import (
    Concatenate,
    Expand,
    Flatten,
    Identity,
    Permute,
    Reshape,
    Reverse,
    Squeeze,
    Stack,
    Transpose,
    Unflatten,
    Unsqueeze,
)


def axis(shape, more=0):
    """One of a shape's axes, counted from either end."""
    n = len(shape) + more
    return st.integers(-n, n - 1)


@some
@given(shapes, seeds, st.data())
def test_the_same_numbers_in_another_shape(shape, seed, data):
    x, n = normal(*shape, seed=seed), len(shape)
    start, end = sorted(
        data.draw(st.tuples(axis(shape), axis(shape)), label="ends"), key=lambda d: d % n
    )
    agree(Identity(), torch.clone, x)
    agree(Flatten(start, end), lambda x: x.flatten(start, end), x)
    agree(Reshape((-1, shape[0])), lambda x: x.reshape(-1, shape[0]), x)
    agree(Reshape(shape=shape[::-1]), lambda x: x.reshape(shape[::-1]), x)
    agree(Unflatten(start, (1, shape[start], 1)), lambda x: x[:].unflatten(start, (1, -1, 1)), x)


@some
@given(shapes, seeds, st.data())
def test_axes_of_length_1(shape, seed, data):
    x, dim, new = normal(*shape, seed=seed), data.draw(axis(shape)), data.draw(axis(shape, 1))
    agree(Squeeze(), torch.squeeze, x)
    agree(Squeeze(dim), lambda x: x.squeeze(dim), x)
    agree(Squeeze((0, -1) if len(shape) > 1 else (0,)), lambda x: ends_squeezed(x), x)
    agree(Unsqueeze(new), lambda x: x.unsqueeze(new), x)


def ends_squeezed(x):
    return x.squeeze((0, -1)) if x.ndim > 1 else x.squeeze((0,))


@some
@given(shapes, seeds, st.data())
def test_axes_in_another_order(shape, seed, data):
    x, n = normal(*shape, seed=seed), len(shape)
    order = data.draw(st.permutations(range(n)))
    order = [d - n if data.draw(st.booleans()) else d for d in order]
    a, b = data.draw(axis(shape)), data.draw(axis(shape))
    agree(Permute(order), lambda x: x.permute(order), x)
    agree(Transpose(a, b), lambda x: x.transpose(a, b), x)
    agree(Reverse(), lambda x: x.permute(*range(n - 1, -1, -1)), x)


@some
@given(shapes, seeds, st.data())
def test_copies(shape, seed, data):
    x = normal(*(data.draw(st.sampled_from([1, n])) for n in shape), seed=seed)
    size = [*data.draw(st.lists(st.integers(1, 3), max_size=2)), *shape]
    kept = [*size[: -x.ndim], *(-1 if n == m else m for n, m in zip(x.shape, shape, strict=True))]
    agree(Expand(size), lambda x: x.expand(size), x)
    agree(Expand(kept), lambda x: x.expand(kept), x)


@some
@given(shapes, seeds, st.integers(1, 3), st.data())
def test_many_made_one(shape, seed, count, data):
    dim, new = data.draw(axis(shape)), data.draw(axis(shape, 1))
    x = [normal(*shape, seed=seed + i) for i in range(count)]
    longer = [torch.cat([part] * (i + 1), dim) for i, part in enumerate(x)]
    agree(Concatenate(dim), lambda *x: torch.cat(x, dim), *longer)
    agree(Stack(new), lambda *x: torch.stack(x, new), *x)


def test_a_single_number_has_a_shape_too():
    x = normal()
    agree(Reshape(()), lambda x: x.reshape(()), normal(1, 1))
    agree(Expand(()), lambda x: x.expand(()), x)
    agree(Permute(()), lambda x: x.permute(()), x)
    agree(Transpose(), torch.t, x)
    agree(Transpose(), torch.t, normal(3))
    agree(Transpose(), torch.t, normal(3, 2))
