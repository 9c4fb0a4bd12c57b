"""Sizes of errors: their histogram, and the mean of each class."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.figures import Axis, Curves, Series
from cutaway.show.words import plural

BINS = 30


@dataclass(frozen=True)
class Row:
    """A class's mean error; `share` is of the largest."""

    name: str
    count: int
    error: float
    share: float
    worst: bool


def by_class(
    errors: Float[Tensor, " n"], targets: Int[Tensor, " n"], classes: tuple[str, ...]
) -> list[Row]:
    """The classes that occur, those with the largest error first; nothing for one class."""
    counts = torch.bincount(targets, minlength=len(classes))
    sums = torch.bincount(targets, errors.double(), len(classes))
    means = {k: (sums[k] / counts[k]).item() for k in counts.nonzero().flatten().tolist()}
    if len(means) < 2:
        return []
    order = sorted(means, key=lambda k: -means[k])
    top = means[order[0]] or 1.0
    return [Row(classes[k], int(counts[k]), means[k], means[k] / top, k == order[0]) for k in order]


def histogram(errors: Float[Tensor, " n"], unit: str, noun: str) -> Curves:
    """The number of examples by their error; the largest hundredth in the last column."""
    high = max(errors.double().quantile(0.99).item(), 1e-12)
    at = (errors.double() / high * BINS).long().clamp(0, BINS - 1)
    counts = torch.bincount(at, minlength=BINS).tolist()
    middle, step = errors.double().median().item(), high / BINS
    labels = tuple(
        f"{i * step:.3g} to {(i + 1) * step:.3g}: {plural(n, noun)}" for i, n in enumerate(counts)
    )
    return Curves(
        title=f"{noun.capitalize()}s by error",
        x=Axis(unit, low=0.0, high=high),
        y=Axis(f"{noun}s", zero=True, whole=True),
        series=(
            Series(
                "", tuple((i + 0.5) * step for i in range(BINS)), tuple(counts), style="columns",
                labels=labels,
            ),
        ),
        caption=f"Half of the test {noun}s have an error below {middle:.3g}. The last column also "
        "holds the largest 1 %.",
        summary=f"Errors of {plural(len(errors), noun)}; half are below {middle:.3g} {unit}.",
    )  # fmt: skip
