"""One class an image."""

from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import ClassVar

from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.target import Classes, Target
from cutaway.errors import UsageError
from cutaway.learn.class_loss import ClassLoss
from cutaway.learn.classifier import Classifier
from cutaway.learn.metrics import ERROR, Metric
from cutaway.learn.mixing import mix
from cutaway.learn.task import Counts, Player, Task


@dataclass(frozen=True)
class Classify(Classifier):
    """Minimise -log softmax(s)_t, the targets smoothed, weighed and the images mixed if asked.

    Of mixed images an answer is right for the share that its class has of the target, so that the
    training accuracy is that share; it stays below 1 however well the network learns.

    Source: Szegedy et al. 2016, section 7, for label smoothing; Szegedy et al. 2015, section 5,
    for the weight of auxiliary heads.

    Args:
        mixup, cutmix: see `learn.mixing`.
        class_weights, focal, logit_adjust: see `learn.class_loss`; counts, the training images of
            each class, are what the weights and the shift are of.
        cost: of two classes, how many false alarms a missed example of the rarer one (or the
            second, of equal ones) costs: the validation images then give the probability from which
            on predictions name it. 0: they name the more probable class.
        auxiliary: weight of the loss of each further output that a network gives while it trains.
    """

    pooled: ClassVar[Metric | None] = ERROR

    label_smoothing: float = 0.0
    auxiliary: float = 0.3
    mixup: float = 0.0
    cutmix: float = 0.0
    class_weights: str = "none"
    focal: float = 0.0
    logit_adjust: float = 0.0
    cost: float = 0.0
    counts: tuple[int, ...] = field(default_factory=tuple)  # of the data, and so no option

    def __post_init__(self) -> None:
        if not 0 <= self.cost < inf:
            raise UsageError(
                f"--cost is how many false alarms a missed example costs, such as 20, not "
                f"{self.cost:g}."
            )

    @property
    def miss_cost(self) -> float:
        return self.cost

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        super().check(model, batch, target)
        if self.cost and target.outputs != 2:
            raise UsageError(
                f"--cost is for two classes, of which one is looked for, and these are "
                f"{target.outputs}: leave it out."
            )

    def fitted(self, target: Target) -> Task:
        needed = self.class_weights != "none" or self.logit_adjust
        return (
            replace(self, counts=target.counts) if needed and isinstance(target, Classes) else self
        )

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        error_of = ClassLoss(
            self.counts, self.class_weights == "balanced", self.focal, self.logit_adjust,
            self.label_smoothing,
        )  # fmt: skip

        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            mixed = mix(batch.x, batch.t, self.mixup, self.cutmix)
            output = model(mixed.x)
            s, *others = output if isinstance(output, tuple) else (output,)
            error = mixed.weigh(partial(error_of, s))
            for other in others:
                error = error + self.auxiliary * mixed.weigh(partial(error_of, other))
            answer = s.detach().argmax(1)
            return error, {"accuracy": mixed.weigh(lambda t: (answer == t).sum())}

        return (Player("model", tuple(model.parameters()), loss),)

    @property
    def takes_features(self) -> bool:
        return not (self.mixup or self.cutmix)
