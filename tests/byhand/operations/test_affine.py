import pytest
import torch
from helpers.agreement import agree, few, flags, normal, seeds, some
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import Affine, Contraction, MatrixProduct
from cutaway.errors import UsageError

sides = st.integers(1, 4)


@some
@given(st.lists(sides, max_size=3), sides, sides, flags, seeds)
def test_affine(batch, m, n, bias, seed):
    """Any number of axes before the last, none included."""
    z, u, u_0 = normal(*batch, m, seed=seed), normal(n, m, seed=seed + 1), normal(n, seed=seed + 2)
    agree(Affine(), F.linear, z, u, u_0 if bias else None)


@few
@given(sides, sides, sides, seeds)
def test_affine_in_single_precision(b, m, n, seed):
    z, u, u_0 = normal(b, m, seed=seed), normal(n, m, seed=seed + 1), normal(n, seed=seed + 2)
    agree(Affine(), F.linear, z, u, u_0, dtype=torch.float32)


BATCHES = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((), (2,)), ((2, 1), (1, 3)), ((4,), ())]


@pytest.mark.parametrize(("left", "right"), BATCHES)
@few
@given(sides, sides, sides, seeds)
def test_matrix_product(left, right, n, k, m, seed):
    a, b = normal(*left, n, k, seed=seed), normal(*right, k, m, seed=seed + 1)
    agree(MatrixProduct(), torch.matmul, a, b)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((4, 2, 3), (3,)),
        ((5, 4, 2, 3), (3,)),
        ((3,), (5, 4, 3, 2)),
    ],
)
def test_products_with_vectors(left, right):
    agree(MatrixProduct(), torch.matmul, normal(*left), normal(*right, seed=1))


@pytest.mark.parametrize(
    "equation",
    [
        "bi,ij->bj",
        "bi, bi -> b",
        "bchw,nchw->bn",
        "bc,bd,be->cde",
        "bij,bjk",
        "ji,kj",
        "bi->b",
        "bi->",
        "bi->ib",
        "bi,bj->b",
        "...i,ij->...j",
        "...i,...j->...ij",
        "i...,ij->j...",
        "...ij->...i",
        "...i,ij",
    ],
)
@few
@given(st.data(), seeds)
def test_contraction(equation, data, seed):
    """Sums over any letters, y's letters left out, an ellipsis for any number of axes."""
    sizes = {letter: data.draw(sides) for letter in equation if letter.isalpha()}
    more = data.draw(st.lists(sides, max_size=2))
    x = []
    for i, letters in enumerate(equation.replace(" ", "").split("->")[0].split(",")):
        head, dots, tail = letters.partition("...")
        shape = [*(sizes[k] for k in head), *(more if dots else ()), *(sizes[k] for k in tail)]
        x.append(normal(*shape, seed=seed + i))
    agree(Contraction(equation), lambda *x: torch.einsum(equation, *x), *x)


@pytest.mark.parametrize(
    ("equation", "left", "right"), [("bi,bi->bi", (1, 3), (4, 3)), ("...i,...i->...", (3,), (4, 3))]
)
def test_what_an_einsum_repeats_gets_the_sum(equation, left, right):
    x = normal(*left), normal(*right, seed=1)
    agree(Contraction(equation), lambda *x: torch.einsum(equation, *x), *x)


def test_a_letter_twice_in_one_input_is_refused():
    with pytest.raises(UsageError, match="'ii->i' has a letter twice in one input"):
        Contraction("ii->i").forward(normal(3, 3))
