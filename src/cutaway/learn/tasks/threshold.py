"""Threshold units, which no gradient can train: the perceptron's learning rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.target import Target
from cutaway.learn.classifier import Classifier
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.presets import PLAIN
from cutaway.learn.task import Counts, Player, needs
from cutaway.settings import Options


@dataclass(frozen=True)
class Threshold(Classifier):
    """Each unit moves by w <- w + rho (t - y) x for what it is to answer.

    That is a step down the gradient of mean((y - t) (w.x + b)) with the answer y = step(w.x + b)
    held fixed, so that the common loop plays it: a player a unit.

    Source: Rosenblatt 1958; the course's notes on perceptrons.
    """

    scaling: ClassVar[str] = "unit"
    has_gradient: ClassVar[bool] = False
    players_said: ClassVar[str] = "Lower is better; 0 where every prediction is right."
    page: ClassVar[str] = "threshold"
    begins: ClassVar[Options] = PLAIN | {
        "optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "lr": 0.1, "schedule": "constant",
        "warmup": 0.0, "batch_size": 1, "repeat": 10, "epochs": 10,
    }  # fmt: skip

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        lessons: Callable[..., Any] = model.lessons  # type: ignore[assignment]
        nothing = next(model.parameters()).new_zeros(0, 2)

        def player(k: int, name: str, unit: nn.Module) -> Player:
            def loss(batch: Batch) -> tuple[Tensor, Counts]:
                lesson = lessons(batch.x.flatten(1), batch.t)[k]
                s = lesson.unit.potential(lesson.x)
                y = lesson.unit.fire(lesson.x)
                share = (y == lesson.t).float().mean() * len(batch)
                return ((y - lesson.t) * s).mean(), {"accuracy": share}

            return Player(name, tuple(unit.parameters()), loss)

        units = enumerate(lessons(nothing, nothing.new_zeros(0)))
        return tuple(player(k, lesson.name, lesson.unit) for k, lesson in units)

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        needs(model, "The task 'threshold'", "lessons")
        super().check(model, batch, target)

    def answer(self, output: Float[Tensor, "b k"], target: Target) -> Float[Tensor, "b k"]:
        """Zero or one already."""
        return output.float()

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        return {}

    def inputs(self, channels: int, grid: tuple[int, ...], count: int, seed: int) -> Tensor:
        """The truth table of two inputs."""
        return torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).unsqueeze(1)

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        """AND."""
        return Batch(x, x.flatten(1).all(1).long(), torch.arange(len(x)))
