"""The curve of an ensemble."""

import math

import pytest
import torch

from cutaway.learn.classification import Classification
from cutaway.learn.fleet.ensemble import DRAWS, curve, ensemble_evaluation


def answers(count: int, n: int = 200, k: int = 4) -> list[Classification]:
    """Members that are right more often than not, each in its own way."""
    draw = torch.Generator().manual_seed(0)
    t = torch.randint(0, k, (n,), generator=draw)
    found = []
    for _ in range(count):
        s = torch.randn(n, k, generator=draw)
        s[torch.arange(n), t] += 1.0
        found.append(Classification(tuple("abcd"), torch.arange(n), t, s.softmax(1)))
    return found


@pytest.mark.parametrize("count", [3, 14])
def test_one_and_all_are_exact_whatever_their_number(count):
    found = answers(count)
    rows = curve(found)
    alone = [1 - one.accuracy for one in found]
    assert [row["members"] for row in rows] == list(range(1, count + 1))
    assert rows[0]["error"] == pytest.approx(sum(alone) / count)
    assert rows[0]["least"] == pytest.approx(min(alone))
    assert rows[0]["most"] == pytest.approx(max(alone))
    assert rows[-1]["error"] == pytest.approx(1 - ensemble_evaluation(found).accuracy)
    assert rows[-1]["least"] == rows[-1]["most"]


@pytest.mark.slow
def test_drawn_ensembles_are_like_all_of_a_size():
    """Of 14 members there are 3,432 sevens; 50 of them have about the same mean error."""
    found = answers(14)
    assert math.comb(14, 7) > DRAWS
    p, t = torch.stack([one.probabilities for one in found]), found[0].targets
    every = torch.combinations(torch.arange(14), 7)
    errors = [(p[some].sum(0).argmax(1) != t).double().mean().item() for some in every]
    row = curve(found)[6]
    assert row["error"] == pytest.approx(sum(errors) / len(errors), abs=0.01)
    assert min(errors) <= row["least"] <= row["error"] <= row["most"] <= max(errors)


def test_more_members_err_less_where_they_err_apart():
    errors = [row["error"] for row in curve(answers(14))]
    assert errors[0] > errors[4] > errors[13]
