"""Metrics of several labels beside those of scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from cutaway.learn.multilabel import MultiLabelEvaluation
from cutaway.learn.ranking import FEW, average_precisions, ranking


def answers(n: int, k: int, seed: int, levels: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Labels that all occur, and probabilities that say a little of them, with ties."""
    rng = np.random.default_rng(seed)
    t = rng.random((n, k)) < rng.uniform(0.1, 0.6, k)
    t[0], t[1] = True, False
    p = np.clip(0.5 * rng.random((n, k)) + 0.3 * t, 0, 1)
    return (np.round(p * levels) / levels).clip(0.01, 0.99).astype(np.float32), t


def evaluation(p: np.ndarray, t: np.ndarray, **more: torch.Tensor) -> MultiLabelEvaluation:
    names, cuts = tuple(f"l{k}" for k in range(t.shape[1])), torch.full((t.shape[1],), 0.4)
    return MultiLabelEvaluation(
        names, torch.arange(len(t)), torch.from_numpy(t).byte(), torch.from_numpy(p),
        **{"thresholds": cuts} | more,
    )  # fmt: skip


@given(
    st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 5), st.sampled_from([3, 20, 10**6])
)
@settings(max_examples=60, deadline=None)
def test_every_figure_is_scikit_learn_s(seed: int, n: int, k: int, levels: int) -> None:
    p, t = answers(n, k, seed, levels)
    result, told = evaluation(p, t), p >= np.float32(0.4)
    summary = result.summary()
    wanted = {
        "mean_average_precision": average_precision_score(t, p),
        "auc": roc_auc_score(t, p),
        "micro_f1": f1_score(t.ravel(), told.ravel()),
        "f1": f1_score(t, told, average="macro", zero_division=0) if k > 1 else f1_score(t, told),
        "subset_accuracy": accuracy_score(t, told),
        "hamming_loss": hamming_loss(t, told),
        "loss": log_loss(t.ravel(), p.ravel().astype(float), labels=[0, 1]),
    }
    for name, value in wanted.items():
        assert summary[name] == pytest.approx(value, abs=1e-6), name
    for row, true, said in zip(result.per_label(), t.T, told.T, strict=True):
        assert row["recall"] == pytest.approx(recall_score(true, said))
        if said.any():
            assert row["precision"] == pytest.approx(precision_score(true, said))


def test_a_label_that_never_occurs_says_nothing() -> None:
    p, t = answers(30, 3, 0)
    t[:, 2] = False
    result = evaluation(p, t)
    assert result.per_label()[2]["average_precision"] is None
    assert result.per_label()[2]["auc"] is None
    assert result.mean_average_precision == pytest.approx(
        average_precision_score(t[:, :2], p[:, :2])
    )
    empty = evaluation(p, np.zeros_like(t))
    assert "mean_average_precision" not in empty.summary()
    assert empty.interval is None


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_weights_are_repetitions(seed: int) -> None:
    p, t = answers(25, 3, seed)
    weights = np.random.default_rng(seed).integers(0, 4, (4, 25))
    weights[:, 0] = 1  # which has every label
    got = average_precisions(p, t, weights.astype(float))
    for draw, row in enumerate(weights):
        some = np.repeat(np.arange(25), row)
        for k in range(3):
            wanted = average_precision_score(t[some, k], p[some, k])
            assert got[k, draw] == pytest.approx(wanted)


def test_the_interval_holds_what_more_images_give() -> None:
    p, t = answers(20_000, 2, 1, 10**6)
    whole, held = average_precision_score(t, p), 0
    for i in range(30):
        some = slice(150 * i, 150 * i + 150)
        interval = evaluation(p[some], t[some]).interval
        assert interval is not None
        held += interval[0] <= whole <= interval[1]
    assert held >= 25  # 95 % of 30 are 28; fewer than 25 come with a chance of about 1 in 100


def test_related_images_widen_the_interval() -> None:
    p, t = (np.repeat(one, 10, 0) for one in answers(30, 2, 2))
    alone = evaluation(p, t).interval
    grouped = evaluation(p, t, groups=torch.arange(300) // 10).interval
    assert alone is not None
    assert grouped is not None
    assert np.ptp(grouped) > 2 * np.ptp(alone)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_no_threshold_has_a_higher_f1(seed: int) -> None:
    p, t = answers(60, 1, seed)
    t[:FEW], t[FEW : 2 * FEW] = True, False
    scores, true = torch.from_numpy(p[:, 0]), torch.from_numpy(t[:, 0])
    threshold = ranking(scores, true).best_threshold()
    best = max(f1_score(true, scores >= cut) for cut in p[:, 0])
    assert f1_score(true, scores >= threshold) == pytest.approx(best)


def test_few_images_choose_no_threshold() -> None:
    true = torch.arange(100) < FEW - 1
    assert ranking(torch.linspace(1, 0, 100), true).best_threshold() == 0.5
    assert ranking(torch.linspace(1, 0, 100), ~true).best_threshold() == 0.5
    assert ranking(torch.linspace(1, 0, 100), torch.arange(100) < FEW).best_threshold() > 0.8


def test_an_ensemble_is_judged_by_its_mean_answer() -> None:
    p, t = answers(20, 2, 3)
    result = evaluation(p, t)
    q = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    mean = (result.probabilities + q) / 2
    assert result.error_of(result.probabilities + q, 2) == pytest.approx(
        result.with_answers(mean).hamming_loss
    )


def test_what_occurs_together_is_counted() -> None:
    t = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]], bool)
    true, predicted = evaluation((t * 0.9).astype(np.float32), t).together()
    assert true.tolist() == [[3, 2, 1], [2, 2, 1], [1, 1, 1]] == predicted.tolist()


def test_answers_that_tell_nothing_are_doubted() -> None:
    _, t = answers(200, 2, 4)
    flat = np.random.default_rng(5).random(t.shape).astype(np.float32)
    kinds = [kind for kind, _ in evaluation(flat, t).doubts()]
    assert "baseline" in kinds
    assert evaluation((0.8 * t + 0.1).astype(np.float32), t).doubts() == []
