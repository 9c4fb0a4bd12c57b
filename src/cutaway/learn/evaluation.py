"""What a network answers on a part of the data, and how good the answers are."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.split import Split
from cutaway.learn.statistics import share

BINS = 15
"""Bins of the calibration curve (Guo et al. 2017)."""


@dataclass(frozen=True)
class Evaluation:
    """Answers beside the truth; every measure is derived from them.

    Attributes:
        index: positions of the images in their set.
        targets: the true class of each.
        probabilities: the network's, a row an image.
        groups: a group number for each image, where some are related: of one declared group, or
            near copies; None where none are.
    """

    classes: tuple[str, ...]
    index: Int[Tensor, " n"]
    targets: Int[Tensor, " n"]
    probabilities: Float[Tensor, "n k"]
    groups: Int[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def grouped(self, split: Split) -> "Evaluation":
        """The same, knowing which of the images are related."""
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
    def units(self) -> int:
        """How many images or groups of related ones there are."""
        return len(self) if self.groups is None else len(self.groups.unique())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy: Wilson's, related images counting as fewer."""
        right = (self.predicted == self.targets).numpy()
        found = share(right, None if self.groups is None else self.groups.numpy())
        return found.low, found.high

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
        k = len(self.classes)
        return torch.bincount(self.targets * k + self.predicted, minlength=k * k).view(k, k)

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

    def per_class(self) -> list[dict[str, Any]]:
        """Precision, recall, F1 and count of each class; None where nothing was predicted."""
        rows = []
        for k, name in enumerate(self.classes):
            hit = int(self.confusion[k, k])
            true, claimed = int(self.confusion[k].sum()), int(self.confusion[:, k].sum())
            rows.append(
                {
                    "class": name,
                    "images": true,
                    "precision": hit / claimed if claimed else None,
                    "recall": hit / true if true else None,
                    "f1": 2 * hit / (true + claimed) if true + claimed else None,
                }
            )
        return rows

    def worst(self, count: int) -> Int[Tensor, " m"]:
        """Rows of the mistakes, those first in which the network was surest."""
        wrong = (self.predicted != self.targets).nonzero().flatten()
        surest = self.probabilities[wrong].max(1).values.argsort(descending=True, stable=True)
        return wrong[surest[:count]]

    def tensors(self) -> dict[str, Tensor]:
        """What a report is made from."""
        names = ("index", "targets", "probabilities")
        return {name: getattr(self, name) for name in names}

    def summary(self) -> dict[str, Any]:
        """The measures as plain numbers."""
        return {
            "images": len(self),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "top5": self.top5,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
        }
