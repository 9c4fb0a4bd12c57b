"""One number or several of each image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target, Values
from cutaway.errors import UsageError
from cutaway.learn.columns import Row, columns
from cutaway.learn.conformal import (
    Covering,
    limit_for,
    margins,
)
from cutaway.learn.evaluation import Evaluation, Summary, number
from cutaway.learn.metrics import HIGHER, LOWER, Kept, Metric
from cutaway.learn.metrics import loss as loss_in
from cutaway.learn.prediction import ValuePrediction
from cutaway.learn.regression import Regression, explained
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, at_rest, expect
from cutaway.settings import Options

LOSSES = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.smooth_l1_loss}


def _each(tensors: Kept) -> Tensor:
    return tensors["errors"]


@dataclass(frozen=True)
class Regress(Covering):
    """Minimise the error of the numbers, each of mean 0 and spread 1 over the training examples.

    mse: the mean of (y - t)^2; mae: of |y - t|; huber: of (y - t)^2 / 2 up to a distance of 1 and
    of |y - t| - 1/2 beyond, which few far examples pull less.

    Source: Huber 1964, 'Robust estimation of a location parameter'.

    Args:
        loss: mse, mae or huber.
        auxiliary: weight of the loss of each further output that a network gives while it trains.

    Attributes:
        conformity: of each number, what its intervals follow from (see `learn.conformal`).
    """

    tuned: ClassVar[tuple[str, ...]] = ("conformity",)
    metrics: ClassVar[tuple[Metric, ...]] = (
        loss_in("standardised"),
        Metric(
            "r2", "R²", "R squared", "R²", higher=True, begins="own",
            caption=f"{HIGHER} The share of the variance that is explained: 1 where every "
            "prediction is right, 0 for the mean of the true values.",
        ),
        Metric(
            "mse", "standardised squared error", axis="squared error (standardised)", each=_each,
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
    conformity: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True)

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
        mean: Tensor = LOSSES[self.loss](at_least_float32(y), t)
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

        def found(batch: Batch) -> Row:
            y = model(batch.x).float()
            error = LOSSES[self.loss](y, batch.t, reduction="none").double().mean(1)
            return batch.index, target.undo(batch.t), target.undo(y), error

        with at_rest(model, runtime):
            index, targets, values, losses = columns(feed, runtime, found)
        mean = losses.mean().item()
        return Regression(
            target.names, target.std, index, targets, values, mean, conformity=self.conformity
        )

    @property
    def conforming(self) -> tuple[float, ...]:
        return self.conformity[0] if self.conformity else ()

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        """How far the validation images were off, number by number."""
        assert isinstance(evaluation, Regression)
        return {"conformity": [margins(error) for error in evaluation.errors.T]}

    def recall(self, tensors: dict[str, Tensor], summary: Summary, target: Target) -> Regression:
        assert isinstance(target, Values)
        index, targets, values = (tensors[name] for name in ("index", "targets", "values"))
        return Regression(
            target.names, target.std, index, targets, values, number(summary, "loss"),
            conformity=self.conformity,
        )  # fmt: skip

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> ValuePrediction:
        if answer is None:
            return ValuePrediction(name=name, values={}, error=error)
        asked = self.coverage and self.conformity
        reach = [limit_for(kept, self.coverage) for kept in self.conformity] if asked else []
        return ValuePrediction.of(name, answer.numpy(), target.names, reach)

    def reply(self, answer: Float[np.ndarray, " m"], target: Target) -> Mapping[str, object]:
        values = (float(f"{value:.6g}") for value in answer.tolist())
        return {"values": dict(zip(target.names, values, strict=True))}

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        true = truth.double()
        return {"r2": explained(answers.double() - true, true).mean().item()}

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        t = torch.linspace(-1, 1, len(x) * classes).view(len(x), classes)
        return Batch(x, t, torch.arange(len(x)))
