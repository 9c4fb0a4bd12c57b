"""Tasks: what a network's outputs mean, and who minimises what.

A task names its players. Ordinary learning is a game with one player; a generative adversarial
network is a game with two. The loop in `loop.py` plays every game.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import Batch
from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe

Counts = dict[str, Tensor]
Loss = Callable[[Batch], tuple[Tensor, Counts]]


@dataclass(frozen=True)
class Player:
    """Who moves: the parameters that it owns and the loss that it minimises.

    Attributes:
        loss: gives the mean loss over a batch, and counts to add up over an epoch (each is
            divided by the number of images in the metrics).
        turns: optimizer steps in a row before the next player moves.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Loss
    turns: int = 1


@runtime_checkable
class Task(Protocol):
    """What the outputs mean and what is minimised."""

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        """The players, in the order in which they move."""

    def check_output(self, output: object, classes: int) -> None:
        """Refuse a model whose output this task cannot read."""

    def probabilities(self, output: Tensor) -> Tensor:
        """The model's output as probabilities."""


@dataclass(frozen=True)
class Classify:
    """One class an image: minimise -log softmax(s)_t, the targets smoothed if asked.

    Source: Szegedy et al. 2016, section 7, for label smoothing.
    """

    label_smoothing: float = 0.0

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            s = model(batch.x)
            correct = (s.detach().argmax(1) == batch.t).sum()
            return F.cross_entropy(s, batch.t, label_smoothing=self.label_smoothing), {
                "accuracy": correct
            }

        return (Player("model", tuple(model.parameters()), loss),)

    def check_output(self, output: object, classes: int) -> None:
        if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] != classes:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise UsageError(
                f"The model's output is {shape}, but {classes} classes need a tensor of shape "
                f"(batch, {classes}): change its last layer."
            )

    def probabilities(self, output: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        return output.float().softmax(1)


def make_task(recipe: Recipe) -> Task:
    """The recipe's task."""
    assert recipe.task == "classify"
    return Classify(recipe.label_smoothing)
