"""Figures of experiments: plain data, and series with intervals over replicates.

Chapters import all of it from here, as claims of one's own do: findings are kept under the text of
their chapter, imports among it.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Num
from torch import Tensor

from cutaway.figures import Bars, Curves, Numbers, Part, Series, images, line, numbers
from cutaway.learn.stats import student, wilson

__all__ = ["SHARE", "Bars", "Curves", "Part", "images", "line", "over", "part", "shares"]

Ends = tuple[float, float]
ANY, SHARE = (-math.inf, math.inf), (0.0, 100.0)
"""Where values can lie at all, those of a share in per cent: intervals are cut there."""


def over(
    name: str,
    x: Numbers,
    values: Num[Tensor, "x replicates"] | np.ndarray,
    ratios: bool = False,
    within: Ends = ANY,
) -> Series:
    """A series of means over replicates, with Student's intervals.

    Args:
        ratios: geometric means, of values above 0 that differ by factors, as on an axis by ratios.
        within: where values can lie.
    """
    rows = np.asarray(values, np.float64)
    estimates = [student(row) for row in (logs(rows) if ratios else rows)]
    series = np.array([(e.value, e.low, e.high) for e in estimates]).T
    series = (np.exp(series) if ratios else series).clip(*within)
    y, low, high = (tuple(one.tolist()) for one in series)
    return Series(name, numbers(x), y, low, high)


def logs(values: Numbers | np.ndarray) -> np.ndarray:
    """Natural logarithms; of 0, where numbers have become too small for their type, -infinity."""
    with np.errstate(divide="ignore"):
        result: np.ndarray = np.log(np.asarray(values, np.float64))
    return result


def shares(name: str, x: Numbers, successes: Sequence[int], trials: int) -> Series:
    """A series of shares in per cent, with Wilson's intervals."""
    ends = [wilson(n, trials) for n in successes]
    y = tuple(100 * n / trials for n in successes)
    return Series(
        name, numbers(x), y, tuple(100 * a for a, _ in ends), tuple(100 * b for _, b in ends)
    )


def part(
    name: str, values: Num[Tensor, "groups replicates"] | np.ndarray, within: Ends = ANY
) -> Part:
    """Bars of means over replicates, with Student's intervals; `within`: as for `over`."""
    means = over(name, range(len(values)), values, within=within)
    return Part(name, means.y, means.low, means.high)
