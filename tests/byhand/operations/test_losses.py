import pytest
import torch
from helpers.agreement import agree, few, normal, positive, seeds, some, whole
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import BinaryCrossEntropy, CrossEntropy, MeanSquaredError

REDUCTIONS = ["none", "mean", "sum"]
reductions = st.integers(0, 2)
grids = st.lists(st.integers(1, 3), max_size=2)
small = st.integers(1, 4)
smoothing = st.sampled_from([0.0, 0.1, 0.5, 1.0])


@some
@given(
    small, small, grids, smoothing, reductions, st.booleans(), st.sampled_from([-100, 0, 1]), seeds
)
def test_cross_entropy_of_classes(b, c, grid, smooth, reduction, weighted, ignored, seed):
    s, target = normal(b, c, *grid, seed=seed), whole(0, c, b, *grid, seed=seed)
    target[whole(0, 3, b, *grid, seed=seed + 1) == 0] = ignored
    target.view(-1)[0] = ignored - 1 if ignored == c == 1 else c - 1
    weight = positive(c, seed=seed + 2) if weighted else None
    known = {"ignore_index": ignored, "label_smoothing": smooth}
    if not ((target != ignored) & (target >= 0) & (target < c)).any():
        reduction = 2  # the mean of nothing is not a number
    agree(
        CrossEntropy(reduction, **known),
        lambda s, t, w: F.cross_entropy(s, t, w, reduction=REDUCTIONS[reduction], **known),
        s,
        target,
        weight,
        still=[2],
    )


@some
@given(small, small, grids, smoothing, reductions, st.booleans(), seeds)
def test_cross_entropy_of_probabilities(b, c, grid, smooth, reduction, weighted, seed):
    s, t = normal(b, c, *grid, seed=seed), normal(b, c, *grid, seed=seed + 1).softmax(1)
    weight = positive(c, seed=seed + 2) if weighted else None
    known = {"reduction": REDUCTIONS[reduction], "label_smoothing": smooth}
    agree(
        CrossEntropy(reduction, label_smoothing=smooth),
        lambda s, t, w: F.cross_entropy(s, t, w, **known),
        s,
        t,
        weight,
        still=[2],
    )


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (MeanSquaredError, F.mse_loss),
        (BinaryCrossEntropy, F.binary_cross_entropy_with_logits),
    ],
)
@some
@given(small, grids, reductions, st.sampled_from([1, 50]), seeds)
def test_loss_of_two(kind, function, b, grid, reduction, factor, seed):
    s, t = factor * normal(b, *grid, seed=seed), normal(b, *grid, seed=seed + 1).sigmoid()
    agree(kind(reduction), lambda s, t: function(s, t, reduction=REDUCTIONS[reduction]), s, t)


@few
@given(small, small, seeds)
def test_in_single_precision(b, c, seed):
    s, target = normal(b, c, seed=seed), whole(0, c, b, seed=seed)
    agree(CrossEntropy(), F.cross_entropy, s, target, dtype=torch.float32)


def test_what_is_ignored_costs_nothing():
    s, target = normal(3, 4), torch.full((3,), -100)
    agree(CrossEntropy(2), lambda s, t: F.cross_entropy(s, t, reduction="sum"), s, target)


def test_far_off_scores_do_not_overflow():
    s, target = torch.tensor([[1e4, -1e4], [-1e4, 1e4]]), torch.tensor([0, 0])
    agree(CrossEntropy(), F.cross_entropy, s, target, dtype=torch.float32)
    agree(
        BinaryCrossEntropy(),
        F.binary_cross_entropy_with_logits,
        s,
        torch.ones(2, 2),
        dtype=torch.float32,
    )
