"""Fleets, compared over their replicates."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from cutaway.data.split import overlap
from cutaway.errors import RunError, UsageError
from cutaway.learn.compare.result import ComparisonResult, Difference, Standing
from cutaway.learn.compare.sides import Side, pairs, varying
from cutaway.learn.metrics import Metric
from cutaway.learn.run import Run
from cutaway.learn.stats import (
    paired,
    replicates_needed,
    smallest_visible,
    student,
    welch,
)

Figures = dict[Run, float]


def over_replicates(sides: Sequence[Side], metric: Metric, on: str) -> ComparisonResult:
    """Each fleet by itself, and against the first.

    Replicates of the same seed, split and fold are pairs. Where each divides the images anew,
    intervals allow for the training images that they share (Nadeau and Bengio).

    Raises:
        UsageError: replicates that cannot be compared, since their test images differ.
        RunError: results that lack the metric.
    """
    figures = {run: _figure(run, metric, on) for side in sides for run in side.runs}
    standings = []
    for side in sides:
        values = tuple(figures[run] for run in side.runs)
        standings.append(Standing(side, student(values, _overlap(side.runs, on)), values))
    first, *others = sides
    differences = tuple(_difference(first, other, figures, metric, on) for other in others)
    widest = max(_overlap(side.runs, on) for side in sides)
    images = len(getattr(first.runs[0].split, on))
    return ComparisonResult(
        tuple(standings), differences, on != "test", overlap=widest, images=images
    )


def _figure(run: Run, metric: Metric, on: str) -> float:
    results = run.results if on == "test" else run.evaluate(on=on, why="compared").summary()
    value = metric.of(results)
    if value is None:
        raise RunError(
            f"The results of {run.path} hold no {metric.name}, so it cannot be compared."
        )
    return value


def _difference(first: Side, other: Side, figures: Figures, metric: Metric, on: str) -> Difference:
    same = pairs(first, other)
    if len(same) < 2:
        return _unpaired(first, other, figures, metric, on)
    for a, b in same:
        _check_images(a, b, on)
    ours, theirs = ([figures[run] for run in runs] for runs in zip(*same, strict=True))
    ratio = _overlap([a for a, _ in same], on)
    gain = paired(ours, theirs, ratio).times(metric.sign)
    spread, by = float(np.subtract(theirs, ours).std(ddof=1)), varying([a for a, _ in same])
    assert gain.p is not None
    return Difference(
        other, gain, gain.p, len(same), by[0] if len(by) == 1 else "pair", tuple(by),
        "corrected resampled t-test" if ratio else "paired t-test",
        replicates_needed(gain.value, spread, overlap=ratio),
        smallest_visible(spread, len(same), overlap=ratio),
    )  # fmt: skip


def _unpaired(first: Side, other: Side, figures: Figures, metric: Metric, on: str) -> Difference:
    """Replicates of which fewer than two have a counterpart."""
    if _overlap([*first.runs, *other.runs], on):
        raise UsageError(
            f"{first.name} and {other.name} share fewer than two seeds, splits and folds, and not "
            f"all are evaluated on the same {on} images: train both with the same --seed and "
            "--folds."
        )
    ours, theirs = ([figures[run] for run in side.runs] for side in (first, other))
    gain = welch(ours, theirs).times(metric.sign)
    spread = math.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / 2)
    count = min(len(ours), len(theirs))
    assert gain.p is not None
    return Difference(
        other, gain, gain.p, count, "replicate", (), "Welch's t-test",
        replicates_needed(gain.value, spread, sides=2),
        smallest_visible(spread, count, sides=2),
    )  # fmt: skip


def _check_images(a: Run, b: Run, on: str) -> None:
    if not torch.equal(getattr(a.split, on), getattr(b.split, on)):
        raise UsageError(
            f"The {on} images of {a.path} and {b.path} differ, though their seed, split and fold "
            "are the same: train both with the same --val and --test."
        )


def _overlap(runs: Sequence[Run], on: str) -> float:
    return overlap([run.split for run in runs], on)
