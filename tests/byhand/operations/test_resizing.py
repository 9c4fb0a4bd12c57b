import pytest
import torch
from helpers.agreement import agree, axes, close, each, few, flags, normal, seeds, some, tied
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import (
    AdaptiveMaxPooling,
    AdaptiveMeanPooling,
    LinearUpsampling,
    NearestUpsampling,
)

MEAN = (None, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
LARGEST = (None, F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
LINEAR = (None, "linear", "bilinear", "trilinear")
SCALES = [0.5, 0.7, 1.0, 1.2, 1.5, 2.0, 2.4, 3.0]


@st.composite
def sizes(draw, high=7):
    """Axes, the shape of x and the sides that it is brought to."""
    n = draw(axes)
    return n, (2, 2, *draw(each(n, 1, high))), draw(each(n, 1, high))


@st.composite
def scales(draw):
    """Axes, the shape of x and by how much each side grows; none vanishes."""
    n, shape, _ = draw(sizes())
    return n, shape, [draw(st.sampled_from([s for s in SCALES if n * s >= 1])) for n in shape[2:]]


@some
@given(sizes(), seeds)
def test_adaptive_mean_pooling(case, seed):
    n, shape, size = case
    agree(AdaptiveMeanPooling(size), lambda x: MEAN[n](x, size), normal(*shape, seed=seed))


@pytest.mark.parametrize("numbers", [normal, tied])
@some
@given(sizes(5), seeds)
def test_adaptive_max_pooling(numbers, case, seed):
    n, shape, size = case
    agree(AdaptiveMaxPooling(size), lambda x: LARGEST[n](x, size), numbers(*shape, seed=seed))


@some
@given(sizes(), seeds)
def test_nearest_upsampling_to_a_size(case, seed):
    _, shape, size = case
    agree(NearestUpsampling(size), lambda x: F.interpolate(x, size), normal(*shape, seed=seed))


@some
@given(scales(), seeds)
def test_nearest_upsampling_by_a_scale(case, seed):
    n, shape, scale = case
    assume(n == 2 or not any(map(rounded_away, shape[2:], scale)))
    x, by_torch = normal(*shape, seed=seed), lambda x: F.interpolate(x, scale_factor=scale)
    agree(NearestUpsampling(scale_factors=scale), by_torch, x)


@some
@given(sizes(), flags, seeds)
def test_linear_upsampling_to_a_size(case, corners, seed):
    n, shape, size = case
    known = {"mode": LINEAR[n], "align_corners": corners}
    x, by_torch = normal(*shape, seed=seed), lambda x: F.interpolate(x, size, **known)
    agree(LinearUpsampling(size, align_corners=corners), by_torch, x)


@some
@given(scales(), flags, seeds)
def test_linear_upsampling_by_a_scale(case, corners, seed):
    n, shape, scale = case
    known = {"mode": LINEAR[n], "align_corners": corners, "scale_factor": scale}
    operation = LinearUpsampling(scale_factors=scale, align_corners=corners)
    agree(operation, lambda x: F.interpolate(x, **known), normal(*shape, seed=seed))


@few
@given(sizes(), seeds)
def test_in_single_precision(case, seed):
    n, shape, size = case
    x, single = normal(*shape, seed=seed), torch.float32
    agree(AdaptiveMeanPooling(size), lambda x: MEAN[n](x, size), x, dtype=single)
    agree(NearestUpsampling(size), lambda x: F.interpolate(x, size), x, dtype=single)
    by_torch = lambda x: F.interpolate(x, size, mode=LINEAR[n])  # noqa: E731
    agree(LinearUpsampling(size), by_torch, x, dtype=single)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(("side", "scale"), [(3, 1.2), (2, 2.4)])
def test_a_scale_that_is_rounded_away(side, scale, axes):
    """3 places stay 3, 2 become 4: PyTorch then forgets the scale.

    But for the nearest in 1-D and 3-D only autograd does (torch 2.13), so the value alone is
    compared.
    """
    x, scales = normal(1, 1, *[side] * axes), [scale] * axes
    nearest, linear = (kind(scale_factors=scales) for kind in (NearestUpsampling, LinearUpsampling))
    close(nearest.forward(x), F.interpolate(x, scale_factor=scales))
    agree(linear, lambda x: F.interpolate(x, scale_factor=scales, mode=LINEAR[axes]), x)


def rounded_away(side, scale):
    return scale not in (1, 2) and int(side * scale) in (side, 2 * side)


def test_one_number_is_meant_for_every_axis():
    x = normal(2, 3, 4, 5)
    agree(AdaptiveMeanPooling(2), lambda x: F.adaptive_avg_pool2d(x, 2), x)
    agree(NearestUpsampling(7), lambda x: F.interpolate(x, 7), x)
