import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from cutaway.learn.classification import Classification
from cutaway.learn.stats import wilson


def answers(n=400, k=7, seed=0) -> Classification:
    g = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, k, (n,), generator=g)
    scores = torch.randn(n, k, generator=g) + 2 * torch.nn.functional.one_hot(targets, k)
    return Classification(tuple("abcdefg"[:k]), torch.arange(n), targets, scores.softmax(1))


def test_measures_are_scikit_learns():
    found = answers()
    t, p = found.targets.numpy(), found.probabilities.double().numpy()
    p = p / p.sum(1, keepdims=True)
    guess = found.predicted.numpy()
    assert found.accuracy == pytest.approx(metrics.accuracy_score(t, guess))
    assert found.top5 == pytest.approx(metrics.top_k_accuracy_score(t, p, k=5))
    assert found.loss == pytest.approx(metrics.log_loss(t, p), rel=1e-5)
    assert found.confusion.tolist() == metrics.confusion_matrix(t, guess).tolist()
    oracle = metrics.precision_recall_fscore_support(t, guess)
    for row, *expected in zip(found.per_class(), *oracle, strict=True):
        assert [row[key] for key in ("precision", "recall", "f1", "images")] == pytest.approx(
            expected
        )


def test_calibration_by_hand():
    p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    found = Classification(("a", "b"), torch.arange(4), torch.tensor([0, 1, 1, 1]), p)
    # surest bin: confidence 0.9, right 1 of 2; other bin: confidence 0.6, right 2 of 2
    assert found.calibration_error == pytest.approx((2 * 0.4 + 2 * 0.4) / 4, abs=1e-6)


def test_the_worst_mistakes_come_first():
    p = torch.tensor([[0.6, 0.4], [0.99, 0.01], [0.2, 0.8], [0.1, 0.9]])
    found = Classification(("a", "b"), torch.arange(4), torch.tensor([1, 1, 1, 0]), p)
    assert found.worst(10).tolist() == [1, 3, 0]


def test_a_class_that_is_never_predicted_has_no_precision():
    p = torch.tensor([[0.9, 0.1, 0.0]])
    row = Classification(("a", "b", "c"), torch.arange(1), torch.tensor([1]), p).per_class()
    assert row[1]["precision"] is None
    assert row[1]["recall"] == 0
    assert row[2]["recall"] is None


def test_wilson_worked_value():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share(successes, more):
    trials = successes + more
    low, high = wilson(successes, trials)
    assert 0 <= low <= high <= 1
    if trials:
        assert low - 1e-9 <= successes / trials <= high + 1e-9
