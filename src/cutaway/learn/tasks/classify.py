"""One class an image."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import Batch, Feed
from cutaway.errors import UsageError
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.machine import Machine
from cutaway.learn.tasks.base import Counts, Player, Task, at_rest, expect


@dataclass(frozen=True)
class Classify(Task):
    """Minimise -log softmax(s)_t, the targets smoothed if asked.

    Source: Szegedy et al. 2016, section 7, for label smoothing; Szegedy et al. 2015, section 5,
    for the weight of auxiliary heads.

    Args:
        auxiliary: weight of the loss of each further output that a network gives while it trains.
    """

    measures: ClassVar[tuple[str, ...]] = ("loss", "accuracy")
    headline: ClassVar[str] = "accuracy"

    label_smoothing: float = 0.0
    auxiliary: float = 0.3

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            output = model(batch.x)
            s, *others = output if isinstance(output, tuple) else (output,)
            error = self._error(s, batch)
            for other in others:
                error = error + self.auxiliary * self._error(other, batch)
            return error, {"accuracy": (s.detach().argmax(1) == batch.t).sum()}

        return (Player("model", tuple(model.parameters()), loss),)

    def _error(self, s: Float[Tensor, "b k"], batch: Batch) -> Float[Tensor, ""]:
        return F.cross_entropy(s, batch.t, label_smoothing=self.label_smoothing)

    def check(self, model: nn.Module, batch: Batch, classes: int) -> None:
        if batch.t.ndim > 1:
            raise UsageError(
                "The task 'classify' needs a class for each image, and these have masks: choose a "
                "network for the task 'segment' (see `cutaway models`)."
            )
        expect(model(batch.x), (len(batch), classes), f"telling {classes} classes apart")

    def probabilities(self, output: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        """The network's output as probabilities."""
        return output.float().softmax(1)

    def judge(
        self, model: nn.Module, feed: Feed, classes: tuple[str, ...], machine: Machine
    ) -> Evaluation:
        with at_rest(model, machine):
            rows = [(b.index, b.t, self.probabilities(model(b.x))) for b in feed.in_order()]
        index, targets, probabilities = (torch.cat(c).cpu() for c in zip(*rows, strict=True))
        return Evaluation(classes, index, targets, probabilities)

    def recall(
        self, tensors: dict[str, Tensor], summary: dict[str, Any], classes: tuple[str, ...]
    ) -> Evaluation:
        return Evaluation(classes, tensors["index"], tensors["targets"], tensors["probabilities"])
