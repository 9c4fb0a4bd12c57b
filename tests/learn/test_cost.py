"""Thresholds for what mistakes cost."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cutaway.data.target import Classes
from cutaway.learn.classification import Classification
from cutaway.learn.cost import MISS_COSTS, best_threshold, cost_thresholds
from cutaway.learn.tasks.classify import Classify

SCORES = st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=30)


@given(SCORES, st.sampled_from(MISS_COSTS))
def test_no_threshold_costs_less(pairs, miss_cost):
    score = np.array([score / 100 for score, _ in pairs])
    positive = np.array([positive for _, positive in pairs])

    def cost(threshold):
        predicted = score >= threshold
        return (predicted & ~positive).sum() + miss_cost * (~predicted & positive).sum()

    found = best_threshold(score, positive, miss_cost)
    assert 0 < found < 1
    assert cost(found) == min(cost(at) for at in np.linspace(0.005, 0.995, 100))


@pytest.mark.parametrize("miss_cost", MISS_COSTS)
def test_of_calibrated_probabilities_it_is_about_one_to_the_odds(miss_cost):
    draw = np.random.default_rng(0)
    score = draw.random(200_000)
    positive = draw.random(len(score)) < score
    found = best_threshold(score, positive, miss_cost)
    assert found == pytest.approx(1 / (1 + miss_cost), abs=0.06)


def test_where_all_is_told_apart_the_best_for_calibrated_probabilities_is_taken():
    score, positive = np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, False, True, True])
    assert cost_thresholds(score, positive) == pytest.approx([0.5, 0.3333, *[0.325] * 5])
    assert cost_thresholds(score, np.ones(4, bool)) == ()


def test_a_task_of_two_classes_tunes_them_for_the_rarer_one():
    draw = torch.Generator().manual_seed(0)
    targets = torch.tensor([0] * 30 + [1] * 170)
    p = (torch.randn(200, generator=draw) - targets).sigmoid()  # of the first class
    result = Classification(("a", "b"), torch.arange(200), targets, torch.stack([p, 1 - p], 1))
    values = Classify().tune(result, Classes(("a", "b"), (30, 170)))
    tuned = Classify().with_tuned(values)
    assert len(tuned.thresholds) == len(MISS_COSTS)
    assert list(tuned.thresholds) == sorted(tuned.thresholds, reverse=True)
    calibrated = tuned.answer(result.probabilities.log(), Classes(("a", "b")))[:, 0].double()
    expected = cost_thresholds(calibrated.numpy(), (targets == 0).numpy())
    assert tuned.thresholds == pytest.approx(expected)
    three = Classification(
        ("a", "b", "c"), torch.arange(2), torch.tensor([0, 1]), torch.full((2, 3), 1 / 3)
    )
    assert "thresholds" not in Classify().tune(three, Classes(("a", "b", "c")))
