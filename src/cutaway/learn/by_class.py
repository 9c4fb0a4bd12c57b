"""Figures of each class, and those in which every class counts alike, however rare it is."""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.learn.metrics import HIGHER, Kept, Metric
from cutaway.learn.stats import Estimate, bootstrap, mean_of, share

Groups = Int[Tensor, " n"] | None

ClassMetrics = TypedDict(
    "ClassMetrics",
    {
        "class": str,
        "images": int,
        "precision": float | None,
        "recall": float | None,
        "f1": float | None,
    },
)
"""The metrics of one class; None where nothing was predicted, or nothing is of it."""


def per_class(classes: Sequence[str], confusion: Int[Tensor, "k k"]) -> list[ClassMetrics]:
    """Precision, recall, F1 and count of each class; None where nothing was predicted."""
    hits, true, claimed = confusion.diagonal().tolist(), confusion.sum(1), confusion.sum(0)
    return [
        {
            "class": name,
            "images": n,
            "precision": hit / m if m else None,
            "recall": hit / n if n else None,
            "f1": 2 * hit / (n + m) if n + m else None,
        }
        for name, hit, n, m in zip(classes, hits, true.tolist(), claimed.tolist(), strict=True)
    ]


def recalls(confusion: Int[Tensor, "k k"]) -> Float[Tensor, " present"]:
    """The share of each class's images that was recognised, of the classes that have images."""
    total = confusion.sum(1)
    return (confusion.diagonal().double() / total)[total > 0]


def balanced_accuracy(confusion: Int[Tensor, "k k"]) -> float:
    """The mean recall of the classes that have images: 1/k for always answering one of k.

    Source: Brodersen et al. 2010, 'The balanced accuracy and its posterior distribution'.
    """
    return recalls(confusion).mean().item()


def lowest_recall(confusion: Int[Tensor, "k k"]) -> float:
    """The recall of the class that is recognised least."""
    return recalls(confusion).min().item()


def macro_f1(confusion: Int[Tensor, "k k"]) -> float:
    """The mean F1 of the classes that have images or answers.

    Source: Sokolova and Lapalme 2009; of the two definitions in use the mean of the F1 (Opitz and
    Burst 2019), as in scikit-learn.
    """
    f1, known = _f1(confusion)
    return f1[known].mean().item()


def _f1(confusion: Int[Tensor, "k k"]) -> tuple[Float[Tensor, " k"], Tensor]:
    """The F1 of each class, 0 where it has none; and which have one."""
    both = confusion.sum(0) + confusion.sum(1)
    return 2 * confusion.diagonal().double() / both.clamp(min=1), both > 0


def balanced_interval(
    right: Tensor, targets: Int[Tensor, " n"], groups: Groups = None
) -> tuple[float, float]:
    """95 % interval of the balanced accuracy: of the classes' own intervals (`share`), combined.

    With recalls p_c in [l_c, u_c] it begins at mean p_c - sqrt(sum_c (p_c - l_c)^2) / k and ends
    at mean p_c + sqrt(sum_c (u_c - p_c)^2) / k, so that a class of few images widens it also where
    all of them are right. Groups of images that are of several classes count in each by itself.

    Source: Newcombe 1998, method 10 (square-and-add); Zou, Huang and Zhang 2009 for sums of many.
    """
    each = [_recall(right[of], None if groups is None else groups[of]) for of in _members(targets)]
    value, k = sum(one.value for one in each) / len(each), len(each)
    below = math.hypot(*(one.value - one.low for one in each)) / k
    above = math.hypot(*(one.high - one.value for one in each)) / k
    return value - below, value + above


def _members(targets: Int[Tensor, " n"]) -> list[Tensor]:
    """Which images are of each class that has some."""
    return [targets == c for c in targets.unique()]


def _recall(right: Tensor, groups: Groups) -> Estimate:
    return share(right.double().numpy(), None if groups is None else groups.numpy())


def macro_f1_interval(kept: Kept, groups: Groups = None) -> tuple[float, float]:
    """95 % interval of the macro F1: the bootstrap of its linear part, whole groups at a time.

    Source: Efron and Tibshirani 1993, chapter 21, for the linear part (the delta method).
    """
    each = _each_f1(kept).numpy()
    units = None if groups is None else groups.numpy()
    if len(each if units is None else np.unique(units)) < 2:
        return 0.0, 1.0
    estimate = bootstrap(mean_of(each), len(each), units)
    return estimate.low, estimate.high


def confusion(
    targets: Int[Tensor, " n"], predicted: Int[Tensor, " n"], k: int
) -> Int[Tensor, "k k"]:
    """Counts; rows are true classes, columns are predicted ones."""
    return torch.bincount(targets * k + predicted, minlength=k * k).view(k, k)


def _answered(kept: Kept) -> tuple[Tensor, Tensor, Tensor]:
    """The true class and the answer of each image, and the confusion matrix."""
    targets, predicted = kept["targets"], kept["probabilities"].argmax(1)
    return targets, predicted, confusion(targets, predicted, kept["probabilities"].shape[1])


def _each_recall(kept: Kept) -> Float[Tensor, " n"]:
    """Each image's share in the balanced accuracy, to first order in the weights of the images.

    Their mean is the balanced accuracy B, and the variance of it that of B by the delta method:
    image i, right r_i times, has B + (n / k) (r_i - p_t) / n_t, with n_t images of its class t.
    """
    t, y, counts = _answered(kept)
    total = counts.sum(1)
    p = counts.diagonal().double() / total.clamp(min=1)
    off = ((y == t).double() - p[t]) / total[t]
    return balanced_accuracy(counts) + len(t) / int((total > 0).sum()) * off


def _each_f1(kept: Kept) -> Float[Tensor, " n"]:
    """Each image's share in the macro F1, to first order, as `_each_recall` has it.

    With F1_c = 2 h_c / m_c, the derivative by the weight of an image of class t answered as y is
    (1/k) (2 [t = y] / m_t - F1_t / m_t - F1_y / m_y).
    """
    t, y, counts = _answered(kept)
    (f1, known), both = _f1(counts), (counts.sum(0) + counts.sum(1)).clamp(min=1)
    part = f1 / both
    off = 2 * (t == y) / both[t] - part[t] - part[y]
    return f1[known].mean() + len(t) / int(known.sum()) * off


BALANCED_ACCURACY = Metric(
    "balanced_accuracy", axis="balanced accuracy (%)", unit="%", higher=True, each=_each_recall,
    caption=f"{HIGHER} The mean of the classes' recalls, in which a rare class counts as much as "
    "a common one.",
)  # fmt: skip
MACRO_F1 = Metric(
    "macro_f1", "macro F1", axis="macro F1 (%)", unit="%", higher=True, each=_each_f1,
    caption=f"{HIGHER} The mean of the classes' F1, the harmonic mean of precision and recall.",
)  # fmt: skip
LOWEST_RECALL = Metric(
    "lowest_recall", axis="lowest recall (%)", unit="%", higher=True,
    caption=f"{HIGHER} The recall of the class that is recognised least.",
)  # fmt: skip
ALIKE = (BALANCED_ACCURACY, MACRO_F1, LOWEST_RECALL)
"""The figures in which every class counts alike."""
