"""The common axis of a run's curves: where each epoch and each step lies on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from cutaway.figures import Axis
from cutaway.learn.history import Row

FEW = 3
"""Epochs below which the axis counts steps."""
DRAWN = 40
"""Points of a curve by step, at most."""
EPOCH, STEP = Axis("epoch", whole=True), Axis("step", whole=True)


@dataclass(frozen=True)
class Stretch:
    """A stage on the axis: the epochs and steps before it, and the steps of an epoch of its own."""

    epochs: int
    steps: int
    each: int


class Timeline:
    """Epochs, or of few epochs steps, along an axis.

    Args:
        rows: one an epoch.
        steps: what each step came to, or nothing.

    Attributes:
        windows: neighbouring steps as one, so that they can be drawn.
    """

    def __init__(self, rows: Sequence[Row], steps: Sequence[Row]):
        self.axis = STEP if steps and len(rows) < FEW else EPOCH
        self.stretches = _stretches(rows) if steps else {}
        self.windows = thinned([row for row in steps if stage_of(row) in self.stretches])

    def of_epoch(self, row: Row) -> float:
        """Where an epoch ends."""
        return row["epoch"] if self.axis is EPOCH else self.of_step(row)

    def of_step(self, row: Row) -> float:
        """Where the step of a row, counted in its stage, ends."""
        stretch = self.stretches[stage_of(row)]
        if self.axis is STEP:
            return stretch.steps + row["step"]
        return stretch.epochs + row["step"] / stretch.each

    @property
    def steps_per_point(self) -> int:
        """The steps that most points of a curve by step stand for; 0 where none is known."""
        return max((int(row["steps"]) for row in self.windows), default=0)


def stage_of(row: Row) -> int:
    """The number of its stage, from 0."""
    return int(row.get("stage", 1)) - 1


def _stretches(rows: Sequence[Row]) -> dict[int, Stretch]:
    stretches, epochs, steps = dict[int, Stretch](), 0, 0
    for number, group in groupby(rows, stage_of):
        own = list(group)
        stretches[number] = Stretch(epochs, steps, int(own[0]["step"]))
        epochs, steps = epochs + len(own), steps + int(own[-1]["step"])
    return stretches


def thinned(steps: Sequence[Row], most: int = DRAWN) -> list[Row]:
    """Neighbours merged, within their stages, so that about `most` are left."""
    size = -(-len(steps) // most) or 1
    stages = [list(group) for _, group in groupby(steps, stage_of)]
    parts = (own[i : i + size] for own in stages for i in range(0, len(own), size))
    return [_merged(some) for some in parts]


def _merged(rows: Sequence[Row]) -> Row:
    """Several windows as one: means by their numbers of steps, the least and the greatest."""
    weights, last = [row["steps"] for row in rows], rows[-1]
    merged: Row = {name: last[name] for name in ("stage", "step") if name in last}
    merged["steps"] = sum(weights)
    for name in last.keys() - merged.keys():
        values = [row[name] for row in rows if name in row]
        if len(values) < len(rows):  # one was not finite
            continue
        end = {"min": min, "max": max}.get(name.rpartition("_")[2])
        merged[name] = end(values) if end else float(np.average(values, weights=weights))
    return merged
