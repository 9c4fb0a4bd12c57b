"""Thresholds for what mistakes cost."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cutaway.data.batch import Batch
from cutaway.data.target import Classes
from cutaway.errors import UsageError
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


def two(count: int = 200) -> tuple[Classification, Classes]:
    """Answers about a class of which there are few, and which overlaps the other."""
    draw = torch.Generator().manual_seed(1)
    targets = (torch.arange(count) < count // 10).long()
    p = (torch.randn(count, generator=draw) + 2 * targets - 2).sigmoid()
    result = Classification(("a", "b"), torch.arange(count), targets, torch.stack([1 - p, p], 1))
    return result, Classes(("a", "b"), (count - count // 10, count // 10))


def test_a_stated_cost_decides_what_is_predicted():
    result, target = two()
    values = Classify(cost=30).tune(result, target)
    positive, threshold = values["decision"]
    assert positive == 1
    assert threshold < 0.3
    task = Classify(cost=30).with_tuned(json.loads(json.dumps(values)))
    p = torch.tensor([1 - threshold - 0.01, threshold + 0.01])
    told = task.prediction("x", p, target)
    assert told.label == "b"
    assert [name for name, _ in told.top] == ["b", "a"]
    assert told.top[0][1] == pytest.approx(float(p[1]))
    assert task.reply(p.numpy(), target)["top"][0]["label"] == "b"
    assert Classify().prediction("x", p, target).label == "a"
    assert "decision" not in Classify().tune(result, target)


def test_a_cost_is_for_two_classes_and_a_number():
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="how many false alarms"):
            Classify(cost=wrong)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    batch = Batch(torch.zeros(2, 1, 2, 2), torch.tensor([0, 1]), torch.arange(2))
    with pytest.raises(UsageError, match="is for two classes"):
        Classify(cost=5).check(network, batch, Classes(("a", "b", "c")))
