"""Floating-point operations as PyTorch counts them, which leaves out biases."""

import pytest
import torch
from helpers.agreement import few, normal
from helpers.convolutions import CONVOLVE, TRANSPOSE, layers, operands
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from cutaway.byhand.operations import (
    Affine,
    Contraction,
    Convolution,
    MatrixProduct,
    MaxPooling,
    ReLU,
    Reshape,
    TransposedConvolution,
)


def counted(function, *x):
    with FlopCounterMode(display=False) as counter:
        function(*x)
    return counter.get_total_flops()


def counts(operation, *x):
    return operation.flops(operation.forward(*x), *x)


@pytest.mark.parametrize(
    ("kind", "functions"), [(Convolution, CONVOLVE), (TransposedConvolution, TRANSPOSE)]
)
@few
@given(st.data())
def test_convolutions(kind, functions, data):
    case = data.draw(layers(transposed=kind is TransposedConvolution))
    n, known, *_ = case
    z, u, u_0 = operands(case, True, 0)
    operation = kind(**known)
    assert counts(operation, z, u) == counted(lambda *x: functions[n](*x, **known), z, u)
    s = operation.forward(z, u, u_0)
    assert counts(operation, z, u, u_0) - counts(operation, z, u) == s.numel()


@pytest.mark.parametrize("batch", [(4,), (2, 4), (1, 2, 3)])
def test_affine(batch):
    z, u, u_0 = normal(*batch, 5), normal(3, 5), normal(3)
    assert counts(Affine(), z, u) == counted(F.linear, z, u)
    assert counts(Affine(), z, u, u_0) == counted(F.linear, z, u) + z[..., 0].numel() * 3


@pytest.mark.parametrize(
    ("left", "right"),
    [((4, 5), (5, 3)), ((2, 4, 5), (2, 5, 3)), ((2, 1, 4, 5), (3, 5, 6)), ((2, 4, 5), (5, 3))],
)
def test_matrix_products(left, right):
    a, b = normal(*left), normal(*right)
    assert counts(MatrixProduct(), a, b) == counted(torch.matmul, a, b)


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [("bi,ij->bj", (4, 5), (5, 3)), ("...i,ij->...j", (2, 4, 5), (5, 3)), ("ij,j", (2, 3), (3,))],
)
def test_contractions(equation, left, right):
    x = normal(*left), normal(*right)
    flops = counts(Contraction(equation), *x)
    assert flops == counted(lambda *x: torch.einsum(equation, *x), *x)


def test_one_for_each_number_or_comparison_and_none_for_moving():
    x = normal(2, 3, 4, 4)
    assert counts(ReLU(), x) == x.numel()
    assert counts(Reshape((-1,)), x) == 0
    assert counts(MaxPooling(2), x) == 2 * 3 * 4 * 3
