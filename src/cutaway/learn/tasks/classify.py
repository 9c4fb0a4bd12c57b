"""One class an image."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import Batch
from cutaway.learn.classification import Classifier
from cutaway.learn.metrics import ERROR, Metric
from cutaway.learn.mixing import Mixed, mix
from cutaway.learn.task import Counts, Player


@dataclass(frozen=True)
class Classify(Classifier):
    """Minimise -log softmax(s)_t, the targets smoothed and the images mixed if asked.

    Of mixed images an answer is right for the share that its class has of the target, so that the
    training accuracy is that share; it stays below 1 however well the network learns.

    Source: Szegedy et al. 2016, section 7, for label smoothing; Szegedy et al. 2015, section 5,
    for the weight of auxiliary heads.

    Args:
        mixup, cutmix: see `learn.mixing`.
        auxiliary: weight of the loss of each further output that a network gives while it trains.
    """

    pooled: ClassVar[Metric | None] = ERROR

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

    @property
    def takes_features(self) -> bool:
        return not (self.mixup or self.cutmix)

    def _error(self, s: Float[Tensor, "b k"], mixed: Mixed) -> Float[Tensor, ""]:
        smooth = self.label_smoothing
        return mixed.weigh(lambda t: F.cross_entropy(s, t, label_smoothing=smooth))
