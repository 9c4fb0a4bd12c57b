"""Scores that rank images by whether they have a label: precision and recall, ROC, thresholds.

A threshold lies between two different scores: images of one score are told alike.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

FEW = 10
"""A threshold is chosen where so many images have the label and so many lack it, else 0.5."""


@dataclass(frozen=True)
class Ranking:
    """The results at each threshold, the highest first.

    Attributes:
        scores: at or above which an image is told to have the label.
        hits, told: images with the label at or above it, and all images at or above it.
        true: images with the label.
        count: all images.
    """

    scores: Float[np.ndarray, " m"]
    hits: Int[np.ndarray, " m"]
    told: Int[np.ndarray, " m"]
    true: int
    count: int

    @property
    def precision(self) -> Float[np.ndarray, " m"]:
        precision: np.ndarray = self.hits / self.told
        return precision

    @property
    def recall(self) -> Float[np.ndarray, " m"]:
        return self.hits / max(1, self.true)

    @property
    def f1(self) -> Float[np.ndarray, " m"]:
        f1: np.ndarray = 2 * self.hits / (self.told + self.true)
        return f1

    @property
    def average_precision(self) -> float | None:
        """sum_i (R_i - R_(i-1)) P_i over the thresholds, from the highest; None without an image.

        Source: scikit-learn's `average_precision_score`.
        """
        if not self.true:
            return None
        return float((np.diff(self.recall, prepend=0) * self.precision).sum())

    @property
    def auc(self) -> float | None:
        """The chance that an image with the label has a higher score than one without, equal ones
        counting half; None where all have it, or none."""
        without = self.count - self.true
        if not (self.true and without):
            return None
        misses = np.diff(self.told - self.hits, prepend=0)
        hits = np.concatenate([[0], self.hits])
        return float((misses * (hits[1:] + hits[:-1])).sum() / (2 * self.true * without))

    def best_threshold(self) -> float:
        """The threshold of the highest F1: halfway to the next lower score.

        Source: Lipton, Elkan and Naryanaswamy 2014, 'Optimal thresholding of classifiers to
        maximize F1 measure'.
        """
        if min(self.true, self.count - self.true) < FEW:
            return 0.5
        best = int(self.f1.argmax())
        below = self.scores[best + 1] if best + 1 < len(self.scores) else 0.0
        return float(self.scores[best] + below) / 2


def ranking(scores: Float[Tensor, " n"], true: Bool[Tensor, " n"]) -> Ranking:
    """Rank images by their scores."""
    p, t = scores.double().numpy(), true.numpy()
    order = np.argsort(-p, kind="stable")
    p, hits = p[order], t[order].cumsum()
    ends = np.flatnonzero(np.diff(p, append=-np.inf))
    return Ranking(p[ends], hits[ends], ends + 1, int(t.sum()), len(t))


def average_precisions(
    p: Float[np.ndarray, "n k"], t: Bool[np.ndarray, "n k"], w: Float[np.ndarray, "draws n"]
) -> Float[np.ndarray, "labels draws"]:
    """The average precision of weighted images for each label that one has, a row of weights a
    draw; of a draw without images of a label that of all images."""
    return np.stack([_weighted(p[:, k], t[:, k], w) for k in np.flatnonzero(t.any(0))])


def _weighted(
    p: Float[np.ndarray, " n"], t: Bool[np.ndarray, " n"], w: Float[np.ndarray, "draws n"]
) -> Float[np.ndarray, " draws"]:
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.diff(p[order], append=-np.inf))
    weights = w[:, order]
    told = weights.cumsum(1)[:, ends]
    hits = (weights * t[order]).cumsum(1)[:, ends]
    gains = np.diff(hits, axis=1, prepend=0) * hits / np.maximum(told, 1e-12)
    true = hits[:, -1]
    precision: np.ndarray = gains.sum(1) / np.maximum(true, 1e-12)
    if (true == 0).any():
        precision[true == 0] = _weighted(p, t, np.ones((1, len(p))))
    return precision
