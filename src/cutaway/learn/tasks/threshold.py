"""Threshold units, which no gradient can train: the perceptron's learning rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.feed import Batch
from cutaway.learn.tasks.base import Counts, Player, needs
from cutaway.learn.tasks.classify import Classify


@dataclass(frozen=True)
class Threshold(Classify):
    """Each unit moves by w <- w + rho (t - y) x for what it is to answer.

    That is a step down the gradient of mean((y - t) (w.x + b)) with the answer y = step(w.x + b)
    held fixed, so that the common loop plays it: a player a unit.

    Source: Rosenblatt 1958; the course's notes on perceptrons.
    """

    scaling: ClassVar[str] = "unit"

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

        found = enumerate(lessons(nothing, nothing.new_zeros(0)))
        return tuple(player(k, lesson.name, lesson.unit) for k, lesson in found)

    def check(self, model: nn.Module, batch: Batch, classes: int) -> None:
        needs(model, "The task 'threshold'", "lessons")
        super().check(model, batch, classes)

    def probabilities(self, output: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        """The answers are zero or one already."""
        return output.float()
