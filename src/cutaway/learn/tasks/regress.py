"""One number or several of each image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import Batch, Feed
from cutaway.data.split import Split
from cutaway.data.target import Target, Values
from cutaway.errors import UsageError
from cutaway.learn.evaluation import Pooled, Summary, number
from cutaway.learn.metrics import HIGHER, LOWER, Kept, Metric
from cutaway.learn.metrics import loss as loss_in
from cutaway.learn.prediction import ValuePrediction
from cutaway.learn.runtime import Runtime
from cutaway.learn.stats import bootstrap, mean_of
from cutaway.learn.stats.resampling import Weights
from cutaway.learn.task import Counts, Player, Task, at_rest, expect
from cutaway.settings import Options

LOSSES = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.smooth_l1_loss}
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
    """

    names: tuple[str, ...]
    std: tuple[float, ...]
    index: Int[Tensor, " n"]
    targets: Float[Tensor, "n m"]
    values: Float[Tensor, "n m"]
    loss: float
    groups: Int[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def answers(self) -> Float[Tensor, "n m"]:
        return self.values

    def with_answers(self, answers: Float[Tensor, "n m"]) -> "Regression":
        return replace(self, values=answers)

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
                "r2": _explained(error, true).item(),
            }
            for name, error, true in zip(
                self.names, self.errors.T, self.targets.double().T, strict=True
            )
        ]

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


def _explained(error: Float[Tensor, "n *m"], true: Float[Tensor, "n *m"]) -> Float[Tensor, "*m"]:
    """R squared of each number."""
    return 1 - error.square().mean(0) / true.var(0, correction=0).clamp(min=1e-12)


def _each(tensors: Kept) -> Tensor:
    return tensors["errors"]


@dataclass(frozen=True)
class Regress(Task):
    """Minimise the error of the numbers, each of mean 0 and spread 1 over the training examples.

    mse: the mean of (y - t)^2; mae: of |y - t|; huber: of (y - t)^2 / 2 up to a distance of 1 and
    of |y - t| - 1/2 beyond, which few far examples pull less.

    Source: Huber 1964, 'Robust estimation of a location parameter'.

    Args:
        loss: mse, mae or huber.
        auxiliary: weight of the loss of each further output that a network gives while it trains.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        loss_in("standardised"),
        Metric(
            "r2", "R²", "R squared", "R²", higher=True, begins="own",
            caption=f"{HIGHER} The share of the variance that is explained: 1 where every "
            "prediction is right, 0 for the mean of the true values.",
        ),
        Metric(
            "mse", "squared error", axis="squared error (standardised)", each=_each,
            each_epoch=False,
            caption=f"{LOWER} 1 is about what always predicting the training mean gets.",
        ),
        Metric("mae", "mean absolute error", each_epoch=False, begins="own"),
    )  # fmt: skip
    primary: ClassVar[str] = "r2"
    compared: ClassVar[str] = "mse"
    pooled: ClassVar[Metric | None] = metrics[2]
    needs: ClassVar[type[Target] | None] = Values
    serves: ClassVar[bool] = True
    page: ClassVar[str] = "regress"
    # An image mirrored or turned may have another number; gradients grow with the errors.
    begins: ClassVar[Options] = {"augment": "none", "label_smoothing": 0.0, "clip": 1.0}

    loss: str = "mse"
    auxiliary: float = 0.3

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise UsageError(f"--loss takes {', '.join(LOSSES)}, not '{self.loss}'.")

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def error(batch: Batch) -> tuple[Tensor, Counts]:
            output = model(batch.x)
            y, *others = output if isinstance(output, tuple) else (output,)
            total = self._error(y, batch.t)
            for other in others:
                total = total + self.auxiliary * self._error(other, batch.t)
            return total, {}

        return (Player("model", tuple(model.parameters()), error),)

    @property
    def takes_features(self) -> bool:
        return True

    def _error(self, y: Float[Tensor, "b m"], t: Float[Tensor, "b m"]) -> Float[Tensor, ""]:
        mean: Tensor = LOSSES[self.loss](y.float(), t)
        return mean

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        m = target.outputs
        what = f"predicting {m} number{'s' * (m != 1)}"
        expect(model(batch.x), (len(batch), m), what)

    def answer(self, output: Float[Tensor, "b m"], target: Target) -> Float[Tensor, "b m"]:
        """The numbers in their own units."""
        assert isinstance(target, Values)
        return target.undo(output.float())

    def output_of(self, answer: Float[Tensor, "b m"], target: Target) -> Float[Tensor, "b m"]:
        return target.learned(answer)

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Regression:
        assert isinstance(target, Values)
        rows, losses = [], []
        with at_rest(model, runtime):
            for batch in feed.in_order():
                y = model(batch.x).float()
                losses.append(self._error(y, batch.t).double() * len(batch))
                rows.append((batch.index, target.undo(batch.t), target.undo(y)))
        index, targets, values = (torch.cat(column).cpu() for column in zip(*rows, strict=True))
        mean = (torch.stack(losses).sum() / len(index)).item()
        return Regression(target.names, target.std, index, targets, values, mean)

    def recall(self, tensors: dict[str, Tensor], summary: Summary, target: Target) -> Regression:
        assert isinstance(target, Values)
        index, targets, values = (tensors[name] for name in ("index", "targets", "values"))
        return Regression(target.names, target.std, index, targets, values, number(summary, "loss"))

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> ValuePrediction:
        if answer is None:
            return ValuePrediction(name=name, values={}, error=error)
        return ValuePrediction.of(name, answer.numpy(), target.names)

    def reply(self, answer: Float[np.ndarray, " m"], target: Target) -> Mapping[str, object]:
        values = (float(f"{value:.6g}") for value in answer.tolist())
        return {"values": dict(zip(target.names, values, strict=True))}

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        true = truth.double()
        return {"r2": _explained(answers.double() - true, true).mean().item()}

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        t = torch.linspace(-1, 1, len(x) * classes).view(len(x), classes)
        return Batch(x, t, torch.arange(len(x)))
