"""Predicted numbers beside the true ones: what a regression came to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.split import Split
from cutaway.learn.conformal import IntervalMetrics, interval_metrics
from cutaway.learn.evaluation import Pooled
from cutaway.learn.stats import bootstrap, mean_of
from cutaway.learn.stats.resampling import Weights

DRAWS = 1_000  # of the bootstrap: an interval of R squared needs no more


class ValueMetrics(TypedDict):
    """The metrics of one number, in its unit."""

    name: str
    mae: float
    rmse: float
    within: float
    r2: float


class RegressionSummary(TypedDict, total=False):
    """The results of a regression; `mae` where there is one number only."""

    images: int
    r2: float
    mse: float
    mae: float
    loss: float
    by_value: list[ValueMetrics]


@dataclass(frozen=True)
class Regression(Pooled):
    """Predicted numbers beside the true ones, both in their own units.

    Attributes:
        std: the spread of each number among the training examples.
        loss: what was minimised, on these images.
        groups: a group number for each image, where some are related.
        conformity: what intervals of each number follow from; empty where there are none.
    """

    names: tuple[str, ...]
    std: tuple[float, ...]
    index: Int[Tensor, " n"]
    targets: Float[Tensor, "n m"]
    values: Float[Tensor, "n m"]
    loss: float
    groups: Int[Tensor, " n"] | None = None
    conformity: tuple[tuple[float, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def answers(self) -> Float[Tensor, "n m"]:
        return self.values

    def with_answers(self, answers: Float[Tensor, "n m"]) -> "Regression":
        return replace(self, values=answers, conformity=())  # which is of its own answers

    def error_of(self, total: Float[Tensor, "n m"], count: int) -> float:
        return self._squares(total / count).mean().item()

    def grouped(self, split: Split) -> "Regression":
        return replace(self, groups=split.related(self.index))

    @property
    def related(self) -> int:
        return 0 if self.groups is None else len(self.groups.unique())

    def _squares(self, values: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        """Each image's mean squared error over its numbers, standardised."""
        off = (values.double() - self.targets.double()) / torch.tensor(self.std).double()
        return off.square().mean(1)

    @cached_property
    def squares(self) -> Float[Tensor, " n"]:
        return self._squares(self.values)

    @property
    def errors(self) -> Float[Tensor, "n m"]:
        """Predicted less true, in the numbers' own units."""
        return self.values.double() - self.targets.double()

    @property
    def r2(self) -> float:
        """The share of the variance that is explained, a mean over the numbers.

        1 where every prediction is right, 0 where they are no better than the mean, below 0 where
        they are worse.
        """
        return float(self._r2(np.ones((1, len(self))))[0])

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of R squared, by the bootstrap, related images drawn together."""
        units = None if self.groups is None else self.groups.numpy()
        if (self.related or len(self)) < 2:
            return None
        estimate = bootstrap(self._r2, len(self), units, method="percentile", draws=DRAWS)
        return estimate.low, estimate.high

    def _r2(self, w: Weights) -> Float[np.ndarray, " draws"]:
        pairs = zip(self.errors.T.numpy(), self.targets.double().T.numpy(), strict=True)
        each = [1 - mean_of(e**2)(w) / np.maximum(_variance(t, w), 1e-12) for e, t in pairs]
        r2: np.ndarray = np.mean(each, 0)
        return r2

    def per_value(self) -> list[ValueMetrics]:
        """Of each number: mean absolute error, root mean squared error, the error that 9 of 10
        predictions stay below, and R squared."""
        return [
            {
                "name": name,
                "mae": error.abs().mean().item(),
                "rmse": error.square().mean().sqrt().item(),
                "within": error.abs().quantile(0.9).item(),
                "r2": explained(error, true).item(),
            }
            for name, error, true in zip(
                self.names, self.errors.T, self.targets.double().T, strict=True
            )
        ]

    @property
    def intervals(self) -> list[list[IntervalMetrics]]:
        """What the intervals of each number come to."""
        pairs = zip(self.conformity, self.errors.T, strict=False)
        return [interval_metrics(kept, error) for kept, error in pairs]

    def worst(self, count: int) -> Int[Tensor, " m"]:
        """Rows of the largest errors, that one first."""
        return self.squares.argsort(descending=True, stable=True)[:count]

    def summary(self) -> RegressionSummary:
        mse = self.squares.mean().item()
        summary: RegressionSummary = {"images": len(self), "r2": self.r2, "mse": mse}
        by_value = self.per_value()
        if len(by_value) == 1:
            summary["mae"] = by_value[0]["mae"]
        summary |= {"loss": self.loss, "by_value": by_value}
        return summary

    def tensors(self) -> dict[str, Tensor]:
        names = ("index", "targets", "values")
        return {name: getattr(self, name) for name in names} | {"errors": self.squares}

    def doubts(self) -> Sequence[tuple[str, str]]:
        if self.interval is None or self.interval[0] > 0:
            return ()
        low, high = self.interval
        said = (
            f"R squared is {self.r2:.2f} (95 % interval {low:.2f} to {high:.2f}): always "
            "predicting the mean might do as well. Train longer, at another --lr, or on more "
            "images."
        )
        return (("baseline", said),)


def _variance(x: Float[np.ndarray, " n"], w: Weights) -> Float[np.ndarray, " draws"]:
    variance: np.ndarray = mean_of(x**2)(w) - mean_of(x)(w) ** 2
    return variance


def explained(error: Float[Tensor, "n *m"], true: Float[Tensor, "n *m"]) -> Float[Tensor, "*m"]:
    """R squared of each number."""
    return 1 - error.square().mean(0) / true.var(0, correction=0).clamp(min=1e-12)
