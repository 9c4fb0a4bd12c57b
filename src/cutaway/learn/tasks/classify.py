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
from cutaway.learn.mixing import Mixed, mix
from cutaway.learn.tasks.base import Counts, Player, Task, at_rest, expect


@dataclass(frozen=True)
class Classify(Task):
    """Minimise -log softmax(s)_t, the targets smoothed and the images mixed if asked.

    Of mixed images an answer is right for the share that its class has of the target, so that the
    training accuracy is that share; it stays below 1 however well the network learns.

    Source: Szegedy et al. 2016, section 7, for label smoothing; Szegedy et al. 2015, section 5,
    for the weight of auxiliary heads.

    Args:
        mixup, cutmix: see `learn.mixing`.
        auxiliary: weight of the loss of each further output that a network gives while it trains.
    """

    measures: ClassVar[tuple[str, ...]] = ("loss", "accuracy")
    headline: ClassVar[str] = "accuracy"

    label_smoothing: float = 0.0
    auxiliary: float = 0.3
    mixup: float = 0.0
    cutmix: float = 0.0

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            mixed = mix(batch.x, batch.t, self.mixup, self.cutmix)
            output = model(mixed.x)
            s, *others = output if isinstance(output, tuple) else (output,)
            error = self._error(s, mixed)
            for other in others:
                error = error + self.auxiliary * self._error(other, mixed)
            answer = s.detach().argmax(1)
            return error, {"accuracy": mixed.weigh(lambda t: (answer == t).sum())}

        return (Player("model", tuple(model.parameters()), loss),)

    def _error(self, s: Float[Tensor, "b k"], mixed: Mixed) -> Float[Tensor, ""]:
        smooth = self.label_smoothing
        return mixed.weigh(lambda t: F.cross_entropy(s, t, label_smoothing=smooth))

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
