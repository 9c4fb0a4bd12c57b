"""How well the classes of whole examples were told: answers beside the truth, and their metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypedDict

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.split import Split
from cutaway.learn import by_class
from cutaway.learn.by_class import ClassMetrics
from cutaway.learn.conformal import SetMetrics, set_metrics
from cutaway.learn.doubts import doubts
from cutaway.learn.evaluation import Pooled
from cutaway.learn.metrics import HIGHER, Kept, Metric, loss
from cutaway.learn.stats import share

BINS = 15
"""Bins of the calibration curve (Guo et al. 2017)."""


class ClassificationSummary(TypedDict):
    """The results of a classifier."""

    images: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    lowest_recall: float
    interval: list[float]
    top5: float
    loss: float
    calibration_error: float


@dataclass(frozen=True)
class Classification(Pooled):
    """Answers beside the truth; every metric is derived from them.

    Attributes:
        index: positions of the images in their set.
        targets: the true class of each.
        probabilities: the network's, a row an image.
        groups: a group number for each image, where some are related: of one declared group, or
            near copies; None where none are.
        unequal: whether the classes of the training images are, so that the figures in which each
            class counts alike come first.
        conformity: what the sets of classes follow from; empty where there are none.
    """

    classes: tuple[str, ...]
    index: Int[Tensor, " n"]
    targets: Int[Tensor, " n"]
    probabilities: Float[Tensor, "n k"]
    groups: Int[Tensor, " n"] | None = None
    unequal: bool = field(default=False, kw_only=True)
    conformity: tuple[float, ...] = field(default=(), kw_only=True)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def answers(self) -> Float[Tensor, "n k"]:
        return self.probabilities

    def with_answers(self, answers: Float[Tensor, "n k"]) -> "Classification":
        return replace(self, probabilities=answers, conformity=())  # which is of its own answers

    def error_of(self, total: Float[Tensor, "n k"], count: int) -> float:
        return (total.argmax(1) != self.targets).double().mean().item()

    def grouped(self, split: Split) -> "Classification":
        return replace(self, groups=split.related(self.index))

    @cached_property
    def predicted(self) -> Int[Tensor, " n"]:
        return self.probabilities.argmax(1)

    @cached_property
    def correct(self) -> int:
        return int((self.predicted == self.targets).sum())

    @property
    def accuracy(self) -> float:
        """Share of images whose most probable class is the true one (top-1)."""
        return self.correct / len(self)

    @property
    def related(self) -> int:
        return 0 if self.groups is None else len(self.groups.unique())

    @property
    def leading(self) -> tuple[Metric, float, float]:
        """The metric that it is known by, its value, and that of answering one class always."""
        if self.unequal:
            guess = 1 / len(self.targets.unique())
            return by_class.BALANCED_ACCURACY, by_class.balanced_accuracy(self.confusion), guess
        return ACCURACY, self.accuracy, self.commonest[1]

    @property
    def trivial(self) -> tuple[str, ...]:
        """The top-5 of five classes; of equal classes what is an accuracy again."""
        alike = () if self.unequal else tuple(one.name for one in by_class.ALIKE)
        return alike if len(self.classes) > 5 else (*alike, "top5")

    def remarks(self) -> dict[str, str]:
        return {"wrong": f"{len(self) - self.correct:,} of {len(self):,} images"}

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the leading metric, related images counting as fewer."""
        right = self.predicted == self.targets
        if self.unequal:
            return by_class.balanced_interval(right, self.targets, self.groups)
        accuracy = share(right.numpy(), None if self.groups is None else self.groups.numpy())
        return accuracy.low, accuracy.high

    @cached_property
    def top5(self) -> float:
        """Share of images whose true class is among the five most probable."""
        best = self.probabilities.topk(min(5, len(self.classes)), 1).indices
        return (best == self.targets[:, None]).any(1).double().mean().item()

    @cached_property
    def loss(self) -> float:
        """Mean of -log p(true class), in nats."""
        p = self.probabilities.gather(1, self.targets[:, None]).double()
        return -p.clamp(min=1e-12).log().mean().item()

    @cached_property
    def confusion(self) -> Int[Tensor, "k k"]:
        """Counts; rows are true classes, columns are predicted ones."""
        return by_class.confusion(self.targets, self.predicted, len(self.classes))

    @cached_property
    def calibration(self) -> Float[Tensor, "bins 3"]:
        """For bins of the highest probability: its mean, the share that is right, the count.

        Source: Guo et al. 2017, 'On calibration of modern neural networks', section 2.
        """
        p = self.probabilities.max(1).values.double()
        right = (self.predicted == self.targets).double()
        at = (p * BINS).long().clamp(max=BINS - 1)
        total = torch.bincount(at, minlength=BINS).double()
        mean = [torch.bincount(at, v, BINS) / total.clamp(min=1) for v in (p, right)]
        return torch.stack([*mean, total], 1)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance of confidence from accuracy."""
        confidence, right, total = self.calibration.unbind(1)
        return ((confidence - right).abs() * total).sum().item() / len(self)

    def per_class(self) -> list[ClassMetrics]:
        """Precision, recall, F1 and count of each class; None where nothing was predicted."""
        return by_class.per_class(self.classes, self.confusion)

    def worst(self, count: int) -> Int[Tensor, " m"]:
        """Rows of the mistakes, those first in which the network was surest."""
        wrong = (self.predicted != self.targets).nonzero().flatten()
        surest = self.probabilities[wrong].max(1).values.argsort(descending=True, stable=True)
        return wrong[surest[:count]]

    @cached_property
    def commonest(self) -> tuple[str, float]:
        """The commonest class of the images, and the accuracy of always answering it."""
        counts = self.confusion.sum(1)
        return self.classes[int(counts.argmax())], counts.max().item() / len(self)

    def doubts(self) -> Sequence[tuple[str, str]]:
        return doubts(self)

    def details(self) -> Mapping[str, object]:
        return {"classes": self.per_class(), "sets": self.sets}

    @property
    def sets(self) -> list[SetMetrics]:
        """What the conformal sets of the images come to."""
        return set_metrics(self.conformity, self.probabilities, self.targets)

    def tensors(self) -> dict[str, Tensor]:
        names = ("index", "targets", "probabilities")
        return {name: getattr(self, name) for name in names}

    def summary(self) -> ClassificationSummary:
        """The metrics, the leading one first."""
        metric, value, _ = self.leading
        first: Any = {metric.name: value}
        return {
            "images": len(self),
            **first,
            "accuracy": self.accuracy,
            "balanced_accuracy": by_class.balanced_accuracy(self.confusion),
            "macro_f1": by_class.macro_f1(self.confusion),
            "lowest_recall": by_class.lowest_recall(self.confusion),
            "interval": list(self.interval),
            "top5": self.top5,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
        }


def _right(tensors: Kept) -> Tensor:
    return (tensors["probabilities"].argmax(1) == tensors["targets"]).double()


LOSS = loss("nats")
ACCURACY = Metric(
    "accuracy", axis="accuracy (%)", unit="%", higher=True, each=_right, binary=True,
    caption=f"{HIGHER} A gap that widens between training and validation is overfitting.",
)  # fmt: skip
TOP5 = Metric("top5", "top-5", unit="%", higher=True, each_epoch=False)
CALIBRATION = Metric("calibration_error", unit="%", each_epoch=False)
