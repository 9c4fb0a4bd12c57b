"""ROC and precision-recall curves, and the areas below them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from cutaway.data.target import Classes
from cutaway.learn.classification import Classification
from cutaway.learn.stats import bootstrap, wilson
from cutaway.learn.two_classes import TwoClasses, fits


def result(seed: int, negatives: int = 60, positives: int = 20, tied: bool = False):
    g = torch.Generator().manual_seed(seed)
    targets = torch.tensor([0] * negatives + [1] * positives)
    s = torch.randn(len(targets), generator=g) + 1.5 * targets
    p = (s.round() if tied else s).sigmoid()
    rows = torch.stack([1 - p, p], 1)
    return Classification(("no", "yes"), torch.arange(len(targets)), targets, rows)


@given(st.integers(0, 200), st.booleans())
def test_areas_are_scikit_learns_and_the_pairs_in_order(seed, tied):
    two = TwoClasses.of(result(seed, tied=tied), positive=1)
    assert two.auc[0] == pytest.approx(metrics.auc(*two.roc))
    assert two.auc[0] == pytest.approx(two._placements()[two.positive].mean())
    assert two.auc[0] == pytest.approx(two._placements()[~two.positive].mean())
    recall, precision = two.precision_recall
    steps = np.diff(recall, prepend=0) @ precision
    assert two.average_precision[0] == pytest.approx(steps)


def test_the_intervals_are_about_those_of_the_bootstrap():
    found = result(3, 200, 60)
    two = TwoClasses.of(found, positive=1)
    for name, area in (("auc", metrics.roc_auc_score),
                       ("average_precision", metrics.average_precision_score)):  # fmt: skip
        drawn = bootstrap(
            lambda w, area=area: np.array(
                [area(two.positive, two.score, sample_weight=row) for row in w]
            ),
            len(two.score), draws=300, method="percentile",
        )  # fmt: skip
        value, low, high = getattr(two, name)
        assert (low, high) == pytest.approx((drawn.low, drawn.high), abs=0.07)
        assert low < value < high


def test_delong_worked_by_hand():
    """Positives 0.9 and 0.4 above negatives 0.6, 0.3 and 0.1: of six pairs five are in order."""
    p = torch.tensor([0.6, 0.3, 0.1, 0.9, 0.4])
    targets = torch.tensor([0, 0, 0, 1, 1])
    found = Classification(("a", "b"), torch.arange(5), targets, torch.stack([1 - p, p], 1))
    two = TwoClasses.of(found, positive=1)
    assert two.auc[0] == pytest.approx(5 / 6)
    assert two._placements() == pytest.approx([1 / 2, 1, 1, 1, 2 / 3])
    variance = 2 * (1 / 6) ** 2 / (2 * 1) + ((1 / 3) ** 2 + 2 * (1 / 6) ** 2) / (3 * 2)
    trials = 5 / 36 / variance
    assert trials == pytest.approx(2.5)
    assert two.auc[1:] == pytest.approx(wilson(2.5 * 5 / 6, 2.5))


def test_related_examples_count_as_fewer_and_a_perfect_order_is_not_certain():
    found = result(1)
    alone = TwoClasses.of(found, positive=1)
    together = TwoClasses.of(replace(found, groups=torch.arange(80) // 4), positive=1)
    for area in ("auc", "average_precision"):
        (_, low, high), (_, least, most) = getattr(alone, area), getattr(together, area)
        assert most - least > high - low
    sure = torch.where(found.targets == 1, 0.9, 0.2)
    perfect = replace(found, probabilities=torch.stack([1 - sure, sure], 1))
    value, low, high = TwoClasses.of(perfect, positive=1).auc
    assert (value, high) == (1, 1)
    assert 0.7 < low < 0.95  # twenty positives


def test_the_rarer_class_is_looked_for():
    assert Classes(("a", "b"), (5, 95)).positive == 0
    assert Classes(("a", "b"), (50, 50)).positive == 1
    assert Classes(("a", "b")).positive == 1
    assert fits(result(0))
    assert not fits(replace(result(0), targets=torch.zeros(80, dtype=torch.long)))
    hard = result(0).probabilities.round()
    assert not fits(replace(result(0), probabilities=hard))
