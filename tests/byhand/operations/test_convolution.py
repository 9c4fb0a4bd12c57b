import pytest
import torch
from helpers.agreement import agree, close, few, flags, normal, seeds, some
from helpers.convolutions import CONVOLVE, TRANSPOSE, layers, operands
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import Convolution, TransposedConvolution
from cutaway.errors import UsageError


@some
@given(layers(), flags, seeds)
def test_convolution(case, bias, seed):
    n, known, *_ = case
    x = operands(case, bias, seed)
    agree(Convolution(**known), lambda *x: CONVOLVE[n](*x, **known), *x)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("padding", ["same", "valid"])
@few
@given(st.data(), seeds)
def test_convolution_with_a_margin_by_name(padding, data, seed):
    case = data.draw(layers(padding=padding))
    n, known, *_ = case
    x = operands(case, True, seed)
    agree(Convolution(**known), lambda *x: CONVOLVE[n](*x, **known), *x)


@some
@given(layers(transposed=True), flags, seeds)
def test_transposed_convolution(case, bias, seed):
    n, known, *_ = case
    x = operands(case, bias, seed)
    agree(TransposedConvolution(**known), lambda *x: TRANSPOSE[n](*x, **known), *x)


@few
@given(layers(), seeds)
def test_in_single_precision(case, seed):
    n, known, *_ = case
    x = operands(case, True, seed)
    agree(Convolution(**known), lambda *x: CONVOLVE[n](*x, **known), *x, dtype=torch.float32)


def test_one_number_is_meant_for_every_axis():
    z, u = normal(2, 4, 7, 8), normal(6, 2, 3, 3)
    known = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    agree(Convolution(**known), lambda *x: F.conv2d(*x, **known), z, u)


def test_numbers_may_lie_in_any_order():
    """Transposed and repeated tensors have other steps between their numbers."""
    z, u = normal(5, 6, 3, 2).permute(3, 2, 1, 0), normal(3, 3, 2, 4).permute(3, 1, 0, 2)
    s, g = Convolution().forward(z, u), torch.ones((), dtype=torch.float64).expand(2, 4, 4, 4)
    close(s, F.conv2d(z, u))
    below, kernel, _ = Convolution().backward(g, s, z, u)
    close(below(), Convolution().backward(g.contiguous(), s, z, u)[0]())
    close(kernel(), torch.nn.grad.conv2d_weight(z, u.shape, g))


@pytest.mark.parametrize("operation", [Convolution(), TransposedConvolution()])
def test_an_image_without_a_batch_is_refused(operation):
    with pytest.raises(UsageError, match="Values without an axis for the batch"):
        operation.forward(normal(3, 5, 5), normal(3, 3, 3, 3))
