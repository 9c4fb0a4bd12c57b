"""What the runs of a task are compared by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cutaway.learn.history import better
from cutaway.learn.tasks import Task
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.reconstruct import Reconstruct
from cutaway.learn.tasks.segment import Segment
from cutaway.learn.tasks.semi_supervised import SemiSupervised
from cutaway.learn.tasks.variational import Variational

Means = Float[np.ndarray, "..."]
Kept = dict[str, Tensor]


def _as_it_is(mean: Means) -> Means:
    return mean


@dataclass(frozen=True)
class Measure:
    """A figure of a whole run and, where it has one, its share in each image.

    Attributes:
        key: its name in a run's results.
        each: a number an image from what a judgement keeps; None where there is none.
        pooled: the figure that follows from the mean of those numbers.
        of_images: what that figure is called, where it is another than the run's own.
        parts: results that add up to the figure, where it is not one of them itself.
    """

    key: str
    each: Callable[[Kept], Tensor] | None = None
    pooled: Callable[[Means], Means] = _as_it_is
    of_images: str = ""
    parts: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        """What makes more of it better."""
        return better(self.key)

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return self.sign > 0

    def of(self, summary: dict[str, Any]) -> float | None:
        """The figure of a run; None where its results lack it."""
        values = [summary.get(name) for name in self.parts or (self.key,)]
        known = [float(value) for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None


def _right(kept: Kept) -> Tensor:
    return (kept["probabilities"].argmax(1) == kept["targets"]).double()


def _psnr(error: Means) -> Means:
    """Decibels of a mean squared error, pixels being in 0..1 (as `reconstruct.psnr`)."""
    return -10 * np.log10(np.maximum(error, 1e-12))


ACCURACY = Measure("accuracy", each=_right)
MEASURES: dict[type[Task], Measure] = {
    Classify: ACCURACY,
    SemiSupervised: ACCURACY,
    Segment: Measure("iou", each=lambda kept: kept["iou"], of_images="mean IoU of an image"),
    Reconstruct: Measure("psnr", each=lambda kept: kept["errors"], pooled=_psnr),
    # The loss weighs its parts by beta, so that runs with another beta could not be compared by it.
    Variational: Measure("-ELBO", each=lambda kept: kept["errors"], parts=("reconstruction", "kl")),
}


def measure_of(task: Task) -> Measure:
    """The task's own measure, or that of the nearest task that it is a kind of."""
    kind = next((kind for kind in type(task).__mro__ if kind in MEASURES), None)
    return MEASURES[kind] if kind else Measure(task.headline)
