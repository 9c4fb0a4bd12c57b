"""What a task is: what a network's outputs mean, who minimises what, and how it is judged.

A task names its players. Ordinary learning is a game with one player; a generative adversarial
network is a game with two. The loop in `learn/loop.py` plays every game.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.feed import Batch, Feed
from cutaway.errors import UsageError
from cutaway.learn.machine import Machine
from cutaway.randomness import reseed_global
from cutaway.see.probe import resting

Counts = dict[str, Tensor]
Loss = Callable[[Batch], tuple[Tensor, Counts]]


@dataclass(frozen=True)
class Player:
    """Who moves: the parameters that it owns and the loss that it minimises.

    Attributes:
        loss: gives the mean loss over a batch, and counts to add up over an epoch (each is
            divided by the number of images in the metrics).
        turns: batches that it learns from, an optimizer step each, before the next player moves.
        rate: share of the recipe's learning rate that it moves with.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Loss
    turns: int = 1
    rate: float = 1.0


@runtime_checkable
class Judgement(Protocol):
    """What a network did on images that it did not learn from."""

    def __len__(self) -> int:
        """How many images."""

    def summary(self) -> dict[str, Any]:
        """The measures as plain numbers."""

    def tensors(self) -> dict[str, Tensor]:
        """What a report draws."""


@dataclass(frozen=True)
class Findings:
    """A judgement as measures and tensors, for tasks that need no more."""

    images: int
    measures: dict[str, Any]
    kept: dict[str, Tensor]

    def __len__(self) -> int:
        return self.images

    def summary(self) -> dict[str, Any]:
        return {"images": self.images, **self.measures}

    def tensors(self) -> dict[str, Tensor]:
        return self.kept


class Task:
    """What the outputs mean, what is minimised and what is measured. Each task is a subclass.

    Attributes:
        scaling: how pixels reach the network: `standard` (mean 0, spread 1), `unit` (0..1) or
            `symmetric` (-1..1).
        measures: those of the judgement that are written at the end of each epoch.
        headline: the measure that a run is known by.
    """

    scaling: ClassVar[str] = "standard"
    measures: ClassVar[tuple[str, ...]] = ("loss",)
    headline: ClassVar[str] = "loss"

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        """The players, in the order in which they move."""
        raise NotImplementedError

    def check(self, model: nn.Module, batch: Batch, classes: int) -> None:
        """Try a small batch, and refuse a network that this task cannot read.

        Raises:
            UsageError: with what the network gives and what is needed.
        """
        raise NotImplementedError

    def begin(self, model: nn.Module, batch: Batch) -> None:
        """Show the first batch to a network that needs one before it learns."""

    def judge(
        self, model: nn.Module, feed: Feed, classes: tuple[str, ...], machine: Machine
    ) -> Judgement:
        """How good the network is on the images of a feed."""
        raise NotImplementedError

    def recall(
        self, tensors: dict[str, Tensor], summary: dict[str, Any], classes: tuple[str, ...]
    ) -> Judgement:
        """The judgement whose tensors and summary were kept."""
        measures = {name: value for name, value in summary.items() if name != "images"}
        return Findings(summary["images"], measures, tensors)

    def picture(
        self, model: nn.Module, batch: Batch, machine: Machine
    ) -> Float[Tensor, "n c *grid"] | None:
        """What the network makes of some images (or of itself), for a look while it learns.

        Values in 0..1; None where there is nothing to look at.
        """
        return None


@contextmanager
def at_rest(model: nn.Module, machine: Machine, seed: int = 0) -> Iterator[None]:
    """The network as it answers: no dropout, no gradients, draws that depend on `seed` alone.

    It answers in float32 whatever precision it learned in, because that is what leaves: exports
    and those who load the weights compute so, and what is judged has to be the same.
    """
    devices = [machine.device] if machine.device.startswith("cuda") else []
    with resting(model), torch.random.fork_rng(devices), torch.inference_mode():
        reseed_global(seed, "judge")
        yield


def needs(model: nn.Module, what: str, *names: str) -> None:
    """Refuse a network that lacks what a task asks for."""
    lacking = [name for name in names if not hasattr(model, name)]
    if lacking:
        raise UsageError(
            f"{what} needs a network with {', '.join(names)}, and this one has no "
            f"{lacking[0]}: `cutaway models` shows what each network is for."
        )


def expect(output: object, shape: tuple[int, ...], what: str) -> None:
    """Refuse an output of another shape; -1 stands for any size."""
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    fits = isinstance(output, Tensor) and output.ndim == len(shape)
    if not fits or any(b not in (-1, a) for a, b in zip(found, shape, strict=True)):
        wanted = ", ".join("any" if n == -1 else str(n) for n in shape)
        raise UsageError(
            f"The network's output is {found}, but {what} needs a tensor of shape ({wanted}) for "
            f"{shape[0]} images: change its last layer."
        )
