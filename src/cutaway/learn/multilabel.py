"""Several labels an image: the answers beside the truth, and every metric of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from cutaway.data.split import Split
from cutaway.learn.evaluation import Pooled
from cutaway.learn.ranking import average_precisions, ranking
from cutaway.learn.stats import bootstrap
from cutaway.learn.stats.resampling import Weights

DRAWS = 500
"""Of the bootstrap: an interval of the average precision needs no more."""
WIDE = 0.2  # an interval so wide leaves open how good the network is


class LabelMetrics(TypedDict):
    """The metrics of one label; None where no image has it, all have, or it is never predicted."""

    label: str
    images: int
    average_precision: float | None
    auc: float | None
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class MultiLabelEvaluation(Pooled):
    """The probability of each label beside the truth.

    Attributes:
        index: positions of the images in their set.
        targets: 1 where an image has a label, else 0.
        probabilities: the network's, a row an image; each label by itself, so they add up to
            anything.
        thresholds: of each label; one is predicted where its probability is not below it.
        groups: a group number for each image, where some are related.
    """

    names: tuple[str, ...]
    index: Int[Tensor, " n"]
    targets: UInt8[Tensor, "n k"]
    probabilities: Float[Tensor, "n k"]
    thresholds: Float[Tensor, " k"]
    groups: Int[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def answers(self) -> Float[Tensor, "n k"]:
        return self.probabilities

    def with_answers(self, answers: Float[Tensor, "n k"]) -> "MultiLabelEvaluation":
        return replace(self, probabilities=answers)

    def error_of(self, total: Float[Tensor, "n k"], count: int) -> float:
        wrong = (total / count >= self.thresholds) != self.true
        return wrong.double().mean().item()

    def grouped(self, split: Split) -> "MultiLabelEvaluation":
        return replace(self, groups=split.related(self.index))

    @property
    def related(self) -> int:
        return 0 if self.groups is None else len(self.groups.unique())

    @cached_property
    def true(self) -> Bool[Tensor, "n k"]:
        return self.targets.bool()

    @cached_property
    def predicted(self) -> Bool[Tensor, "n k"]:
        """Whether each label is predicted."""
        return self.probabilities >= self.thresholds

    @cached_property
    def counts(self) -> Int[Tensor, "k 3"]:
        """Of each label: images that have it and are told so, that have it, that are told so."""
        columns = (self.true & self.predicted, self.true, self.predicted)
        return torch.stack([one.sum(0) for one in columns], 1)

    def per_label(self) -> list[LabelMetrics]:
        """The metrics of each label."""
        rows: list[LabelMetrics] = []
        for k, name in enumerate(self.names):
            hit, true, told = self.counts[k].tolist()
            ranked = ranking(self.probabilities[:, k], self.true[:, k])
            rows.append(
                {
                    "label": name,
                    "images": true,
                    "average_precision": ranked.average_precision,
                    "auc": ranked.auc,
                    "threshold": self.thresholds[k].item(),
                    "precision": hit / told if told else None,
                    "recall": hit / true if true else None,
                    "f1": 2 * hit / (true + told) if true + told else None,
                }
            )
        return rows

    @property
    def mean_average_precision(self) -> float | None:
        """The mean over the labels that some image has; None where none has any."""
        return mean_of_known(row["average_precision"] for row in self.per_label())

    @property
    def micro_f1(self) -> float:
        """F1 of all decisions together, whatever the label; 1 where nothing is true or told."""
        hit, true, told = self.counts.sum(0).tolist()
        return 2 * hit / (true + told) if true + told else 1.0

    @property
    def subset_accuracy(self) -> float:
        """Share of the images of which every label is right."""
        return (self.predicted == self.true).all(1).double().mean().item()

    @property
    def hamming_loss(self) -> float:
        """Share of the decisions, one for each label of each image, that are wrong."""
        return (self.predicted != self.true).double().mean().item()

    @property
    def loss(self) -> float:
        """Mean of -log p(truth) over the labels of all images, in nats."""
        p = self.probabilities.double()
        right = torch.where(self.true, p, 1 - p)
        return -right.clamp(min=1e-12).log().mean().item()

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the mean average precision, by the bootstrap of related images."""
        units = None if self.groups is None else self.groups.numpy()
        if (self.related or len(self)) < 2 or not self.true.any():
            return None
        p, t = self.probabilities.numpy(), self.true.numpy()

        def over_labels(w: Weights) -> Float[np.ndarray, " draws"]:
            mean: np.ndarray = average_precisions(p, t, w).mean(0)
            return mean

        estimate = bootstrap(over_labels, len(self), units, method="percentile", draws=DRAWS)
        return estimate.low, estimate.high

    @property
    def chance(self) -> float:
        """The mean average precision of answers that tell nothing: the mean share of the labels."""
        share = self.true.double().mean(0)
        return share[share > 0].mean().item() if self.true.any() else 0.0

    def together(self) -> tuple[Int[Tensor, "k k"], Int[Tensor, "k k"]]:
        """Images that have both labels of each pair, and images that are told both; of a label
        with itself, images with it."""
        both = [one.long() for one in (self.true, self.predicted)]
        return both[0].T @ both[0], both[1].T @ both[1]

    def worst(self, count: int) -> Int[Tensor, " m"]:
        """Rows of the images with the least probable true labels, that one first."""
        p = self.probabilities.double()
        right = torch.where(self.true, p, 1 - p).clamp(min=1e-12)
        return right.log().sum(1).argsort(stable=True)[:count]

    def summary(self) -> Mapping[str, object]:
        rows = self.per_label()
        means = {
            "mean_average_precision": mean_of_known(row["average_precision"] for row in rows),
            "f1": mean_of_known(row["f1"] for row in rows),
            "auc": mean_of_known(row["auc"] for row in rows),
        }
        return {
            "images": len(self),
            **{name: value for name, value in means.items() if value is not None},
            "micro_f1": self.micro_f1,
            "subset_accuracy": self.subset_accuracy,
            "hamming_loss": self.hamming_loss,
            "loss": self.loss,
        }

    def details(self) -> Mapping[str, object]:
        return {"labels": self.per_label()}

    def tensors(self) -> dict[str, Tensor]:
        names = ("index", "targets", "probabilities", "thresholds")
        return {name: getattr(self, name) for name in names}

    def doubts(self) -> Sequence[tuple[str, str]]:
        if self.interval is None:
            return ()
        (low, high), chance, doubts = self.interval, self.chance, []
        if low <= chance:
            doubts.append(("baseline", (
                f"Answers that tell nothing would have a mean average precision of {chance:.1%}, "
                f"and this network's (95 % interval {low:.1%} to {high:.1%}) does not show that it "
                "has learned more: train longer, at another --lr, or on more images."
            )))  # fmt: skip
        if high - low > WIDE:
            doubts.append(("few-tests", (
                f"The test set has only {len(self)} images, so that the mean average precision may "
                f"be anything from {low:.0%} to {high:.0%}: add images, or test on all of them in "
                "turn with --folds 5."
            )))  # fmt: skip
        return doubts


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
