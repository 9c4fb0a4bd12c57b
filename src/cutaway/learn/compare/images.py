"""Single runs, compared over the images that all of them were judged on."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.learn.compare.result import ComparisonResult, Difference, Standing
from cutaway.learn.compare.sides import Side
from cutaway.learn.metrics import Kept, Metric
from cutaway.learn.run import Run
from cutaway.learn.stats import (
    Estimate,
    Statistic,
    Weights,
    bootstrap,
    mcnemar,
    mean_of,
    replicates_needed,
    share,
    smallest_visible,
)

Each = Float[np.ndarray, " n"]
Units = Int[np.ndarray, " n"] | None


def over_images(sides: Sequence[Side], metric: Metric, on: str) -> ComparisonResult:
    """Each run by itself, and against the first, on the same images.

    An accuracy has the interval that its run has (`share`); other figures and the differences are
    bootstrapped, whole groups of related images at a time. Classifiers on images that are not
    related have McNemar's exact test.

    Raises:
        UsageError: a metric without a share in each image, or other images.
    """
    if metric.each is None:
        raise UsageError(
            f"{metric.name.upper()} is one number for all images together, so that two single "
            "runs do not show their spread: train each with --replicates 5 and compare the "
            "fleets."
        )
    answers, looked = zip(*(_answers(side.runs[0], on) for side in sides), strict=True)
    for side, one in zip(sides[1:], answers[1:], strict=True):
        _check_same(sides[0], side, answers[0], one, on)
    each = [metric.each(one).double().numpy() for one in answers]
    units, problem = related(sides[0].runs[0], answers[0]["index"])
    groups = 0 if units is None else int(units.max()) + 1
    if (groups or len(each[0])) < 2:
        raise UsageError(
            f"The {on} images are all of one group, which says nothing about others: compare "
            "fleets, each trained with --replicates 5."
        )
    standings = tuple(
        Standing(side, estimate, (estimate.value,))
        for side, estimate in zip(sides, (_estimate(x, metric, units) for x in each), strict=True)
    )
    differences = tuple(
        _difference(side, each[0], x, metric, units)
        for side, x in zip(sides[1:], each[1:], strict=True)
    )
    return ComparisonResult(
        standings, differences, any(looked), images=len(each[0]), groups=groups, problem=problem
    )


def related(run: Run, index: Int[Tensor, " n"]) -> tuple[Units, str]:
    """A group number for each image, or None where no two are related; and why it is not known.

    Images of one declared group are related, and near copies of each other.
    """
    if run.split.groups is None and run.split.kept_together[0]:
        return None, f"{run.path} was trained before that was kept."
    groups = run.split.related(index)
    return (None if groups is None else groups.numpy()), ""


def _answers(run: Run, on: str) -> tuple[Kept, bool]:
    """The run's answers, and whether it had to be evaluated anew."""
    if on == "test" and (run.path / "predictions.safetensors").exists():
        return run.saved_test().tensors(), False
    return run.evaluate(on=on, why="compared").tensors(), True


def _check_same(a: Side, b: Side, ours: Kept, theirs: Kept, on: str) -> None:
    for name in ("index", "targets"):
        if name in ours and not torch.equal(ours[name], theirs[name]):
            raise UsageError(
                f"The {on} images of {a.path} and {b.path} differ, so their predictions cannot be "
                "compared: train both with the same --seed, --val, --test and --fold."
            )


def _statistic(metric: Metric, x: Each) -> Statistic:
    """The metric of weighted images."""
    mean = mean_of(x)
    return lambda w: metric.pooled(mean(w))


def _estimate(x: Each, metric: Metric, units: Units) -> Estimate:
    if metric.binary:
        return share(x, units)
    return bootstrap(_statistic(metric, x), len(x), units)


def _difference(side: Side, x: Each, y: Each, metric: Metric, units: Units) -> Difference:
    ours, theirs = _statistic(metric, x), _statistic(metric, y)

    def gain(w: Weights) -> Any:
        return metric.sign * (theirs(w) - ours(w))

    estimate, n = bootstrap(gain, len(x), units), len(x)
    only, p, test = None, estimate.p, "bootstrap" if units is None else "bootstrap of whole groups"
    if metric.binary:
        only = int(((x == 1) & (y == 0)).sum()), int(((x == 0) & (y == 1)).sum())
        if units is None:
            p, test = mcnemar(*only), "McNemar's exact test"
    count = n if units is None else int(units.max()) + 1
    spread = estimate.error * math.sqrt(count)  # of one group's share in the difference
    needed = replicates_needed(estimate.value, spread)
    assert p is not None
    return Difference(
        side, estimate, p, n, "image", ("image",), test,
        None if needed is None else math.ceil(needed * n / count),
        smallest_visible(spread, count), only,
    )  # fmt: skip
