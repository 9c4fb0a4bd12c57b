import pytest
import torch
from helpers.agreement import agree, few, flags, normal, positive, seeds, some
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import (
    BatchNormalisation,
    LayerNormalisation,
    LocalResponseNormalisation,
)

channels = st.integers(1, 7)
grids = st.lists(st.integers(1, 4), max_size=3)


def by_torch(training, momentum, eps):
    def function(x, a, b, mean, var):
        return F.batch_norm(x, mean, var, a, b, training, momentum, eps)

    return function


@st.composite
def values(draw, running):
    """x, a, b, running mean and variance; the last four may be left out."""
    c, grid, seed = draw(channels), draw(grids), draw(seeds)
    x = normal(draw(st.integers(2, 4)), c, *grid, seed=seed) * 2 + 1
    a, b = (normal(c, seed=seed + i) if draw(flags) else None for i in (1, 2))
    mean, var = (normal(c, seed=seed + 3), positive(c, seed=seed + 4)) if running else (None, None)
    return x, a, b, mean, var


momenta, constants = st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([1e-5, 0.1])


@some
@given(flags.flatmap(values), momenta, constants)
def test_batch_normalisation_while_training(x, momentum, eps):
    """With running statistics, which follow the batch's as PyTorch's do."""
    operation = BatchNormalisation(True, momentum, eps)
    agree(operation, by_torch(True, momentum, eps), *x, still=[3, 4])


@some
@given(values(running=True), constants)
def test_batch_normalisation_at_inference(x, eps):
    """With running statistics, which stay."""
    operation = BatchNormalisation(False, eps=eps)
    agree(operation, by_torch(False, 0.1, eps), *x, still=[3, 4])


@few
@given(values(running=True), flags)
def test_in_single_precision(x, training):
    operation = BatchNormalisation(training)
    function = by_torch(training, 0.1, 1e-5)
    x = x[0].repeat(8, *[1] * (x[0].ndim - 1)), *x[1:]
    agree(operation, function, *x, still=[3, 4], dtype=torch.float32)


def test_batch_normalisation_without_parameters_and_statistics():
    agree(BatchNormalisation(), lambda x: F.batch_norm(x, None, None, training=True), normal(4, 3))


@some
@given(
    st.integers(1, 6),
    channels,
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from([1e-4, 0.5, 2.0]),
    st.sampled_from([0.5, 0.75, 1.0]),
    st.sampled_from([1.0, 2.0]),
    seeds,
)
def test_local_response_normalisation(size, c, grid, alpha, beta, k, seed):
    """Odd and even numbers of neighbours, also more than there are channels."""
    agree(
        LocalResponseNormalisation(size, alpha, beta, k),
        lambda x: F.local_response_norm(x, size, alpha, beta, k),
        normal(2, c, *grid, seed=seed),
    )


@pytest.mark.parametrize("size", [4, 5])
def test_local_response_normalisation_in_single_precision(size):
    agree(
        LocalResponseNormalisation(size, 0.5),
        lambda x: F.local_response_norm(x, size, 0.5),
        normal(2, 7, 3, 3),
        dtype=torch.float32,
    )


@some
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data(), constants)
def test_layer_normalisation(shape, data, eps):
    """Over one axis or several, with a scale and a shift or without."""
    last, seed = shape[data.draw(st.integers(1, len(shape) - 1)) :], data.draw(seeds)
    x = normal(*shape, seed=seed) * 2 + 1
    a, b = (normal(*last, seed=seed + i) if data.draw(flags) else None for i in (1, 2))
    agree(LayerNormalisation(last, eps), lambda x, a, b: F.layer_norm(x, last, a, b, eps), x, a, b)
