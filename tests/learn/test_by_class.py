"""Figures in which every class counts alike, beside scikit-learn's, and which of them leads."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from cutaway.data.target import Classes, read_target
from cutaway.learn import by_class
from cutaway.learn.by_class import ALIKE, balanced_interval
from cutaway.learn.card import DataCard
from cutaway.learn.classification import Classification
from cutaway.learn.classifier import Classifier
from cutaway.learn.stats import bootstrap, share

CLASSES = tuple("abcdef")


COUNTS = st.integers(2, 60), st.integers(0, 1000)


def found(n: int, seed: int) -> Classification:
    g = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 4, (n,), generator=g)  # the last classes have no images
    scores = torch.randn(n, 6, generator=g) + 2 * torch.nn.functional.one_hot(targets, 6)
    return Classification(CLASSES, torch.arange(n), targets, scores.softmax(1))


@given(*COUNTS)
def test_figures_are_scikit_learns(n, seed):
    result = found(n, seed)
    t, y, summary = result.targets.numpy(), result.predicted.numpy(), result.summary()
    recalls = metrics.recall_score(t, y, labels=np.unique(t), average=None)
    assert summary["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert summary["lowest_recall"] == pytest.approx(recalls.min())
    assert summary["macro_f1"] == pytest.approx(metrics.f1_score(t, y, average="macro"))


@given(*COUNTS)
def test_the_shares_of_the_images_are_the_slope_of_the_figure(n, seed):
    """`Metric.each`: the mean is the figure; an image drawn once more moves it by its share."""
    result = found(n, seed)
    kept = result.tensors()
    figures = (by_class.BALANCED_ACCURACY, _balanced), (by_class.MACRO_F1, _macro_f1)
    for metric, figure in figures:
        each = metric.each(kept)
        assert each.mean().item() == pytest.approx(result.summary()[metric.name])
        w, step = np.ones(n), 1e-6
        w[0] += step
        slope = (figure(result, w) - figure(result, np.ones(n))) / step
        assert (each[0] - each.mean()).item() / n == pytest.approx(slope, abs=1e-4)


def _balanced(result, w):
    t, y = result.targets.numpy(), result.predicted.numpy()
    return np.mean([w[(t == c) & (y == c)].sum() / w[t == c].sum() for c in np.unique(t)])


def _macro_f1(result, w):
    return metrics.f1_score(result.targets, result.predicted, average="macro", sample_weight=w)


def test_the_interval_is_wilsons_of_one_class_and_half_as_wide_of_one_of_two():
    right, one = torch.tensor([True] * 8 + [False] * 2), torch.zeros(10, dtype=torch.long)
    alone = share(right.double().numpy())
    assert balanced_interval(right, one) == pytest.approx((alone.low, alone.high))
    many = torch.cat([right, torch.ones(100_000, dtype=torch.bool)])
    low, high = balanced_interval(many, torch.cat([one, torch.ones(100_000, dtype=torch.long)]))
    assert (low, high) == pytest.approx(((alone.low + 1) / 2, (alone.high + 1) / 2), abs=1e-4)


def test_few_images_of_a_class_leave_the_figure_open_though_all_are_right():
    targets = torch.tensor([0] * 1000 + [1] * 3)
    low, high = balanced_interval(torch.ones(1003, dtype=torch.bool), targets)
    assert low < 0.8
    assert high == pytest.approx(1)


def test_the_interval_holds_the_true_figure_about_as_often_as_it_says():
    draw, p, counts = np.random.default_rng(0), np.array([0.95, 0.6, 0.8]), (200, 12, 40)
    targets = torch.from_numpy(np.repeat(np.arange(3), counts))
    ends = [
        balanced_interval(torch.from_numpy(draw.random(len(targets)) < p[targets]), targets)
        for _ in range(600)
    ]
    held = np.mean([low <= p.mean() <= high for low, high in ends])
    assert 0.92 < held < 0.99


def test_related_images_widen_both_intervals():
    result = Classification(
        ("a", "b"), torch.arange(80), torch.tensor([0] * 60 + [1] * 20),
        torch.tensor([[0.9, 0.1]] * 50 + [[0.2, 0.8]] * 20 + [[0.9, 0.1]] * 10), unequal=True,
    )  # fmt: skip
    together = replace(result, groups=torch.arange(80) // 5)
    width = [high - low for low, high in (result.interval, together.interval)]
    assert width[1] > 1.3 * width[0]
    kept = result.tensors()
    low, high = by_class.macro_f1_interval(kept)
    exact = bootstrap(lambda w: np.array([_macro_f1(result, row) for row in w]), 80, draws=400)
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.03)
    apart = by_class.macro_f1_interval(kept, together.groups)
    assert apart[1] - apart[0] > 1.3 * (high - low)


@pytest.mark.parametrize(
    ("counts", "unequal"),
    [((), False), ((50, 50), False), ((75, 25), False), ((76, 24), True), ((0, 30, 31), False),
     ((95, 5), True), ((0, 0), False)],
)  # fmt: skip
def test_the_counts_of_the_training_images_decide_what_leads(counts, unequal):
    target = Classes(tuple("abc"[: len(counts)]), counts)
    assert target.unequal == unequal
    task = Classifier()
    assert task.leading(target) == ("balanced_accuracy" if unequal else "accuracy")
    assert task.comparing(target).name == task.leading(target)


def test_what_leads_comes_first_and_is_measured_against_one_class_always():
    """95 : 5, of which a network that always answers the first has learned nothing."""
    p = torch.tensor([[0.9, 0.1]]).expand(100, 2)
    result = Classification(("a", "b"), torch.arange(100), torch.tensor([0] * 95 + [1] * 5), p)
    assert list(result.summary())[1] == "accuracy"
    assert set(result.trivial) == {*(one.name for one in ALIKE), "top5"}
    unequal = replace(result, unequal=True)
    assert list(unequal.summary())[1] == "balanced_accuracy"
    assert unequal.trivial == ("top5",)
    metric, value, guess = unequal.leading
    assert (metric.name, value, guess) == ("balanced_accuracy", 0.5, 0.5)
    doubts = dict(unequal.doubts())
    assert "Always predicting 'a' would have a balanced accuracy of 50.0%" in doubts["baseline"]
    assert "only 5 images of 'b'" in doubts["few-tests"]


def test_the_counts_are_of_the_training_images_and_old_files_have_none(tmp_path):
    truth, train = torch.tensor([0, 0, 1, 2, 1]), torch.tensor([0, 1, 4])
    target = Classes(("a", "b", "c")).fitted(truth, train)
    assert target.counts == (2, 1, 0)
    assert read_target(json.loads(json.dumps(target.to_dict()))) == target
    old = {"kind": "class", "names": ["a", "b"]}
    assert read_target(old) == Classes(("a", "b"))
    card = DataCard("d", target, 3, (8, 8), (0.5,) * 3, (0.5,) * 3, "", "", {})
    (tmp_path / "data.json").write_text(json.dumps(card.to_dict()))
    assert DataCard.read(tmp_path / "data.json").target == target
