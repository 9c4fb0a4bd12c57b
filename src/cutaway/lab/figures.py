"""Figures as plain data: `cutaway.show` draws them.

A label has its unit in brackets: `depth (layers)`, `share right (%)`. Time, size and shares are
given in the unit that the label names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Num, Shaped
from torch import Tensor

from cutaway.learn.stats import student, wilson

Numbers = Sequence[float | int] | Shaped[np.ndarray, "_"] | Shaped[Tensor, "_"]
Places = tuple[tuple[float, str], ...]
Ends = tuple[float, float]
ANY, SHARE = (-math.inf, math.inf), (0.0, 100.0)
"""Where values can lie at all, those of a share in per cent: intervals are cut there."""


@dataclass(frozen=True)
class Series:
    """Points (x, y), with intervals where any is by chance.

    Attributes:
        low, high: the ends of each point's 95 % interval; both empty where y is exact.
        dots: points alone, no line between them.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dots: bool = False


@dataclass(frozen=True)
class Curves:
    """Series over a common axis.

    Attributes:
        x_log, y_log: equal ratios as equal steps.
        levels: horizontal lines (y, what it is), such as chance.
        marks: vertical lines (x, what it is).
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False
    levels: Places = ()
    marks: Places = ()
    caption: str = ""


@dataclass(frozen=True)
class Part:
    """One colour of bars: a value for each group, with intervals where any is by chance."""

    name: str
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Bars:
    """Values of a few named things; `parts` stand beside each other in each group."""

    title: str
    label: str
    groups: tuple[str, ...]
    parts: tuple[Part, ...]
    log: bool = False
    caption: str = ""


@dataclass(frozen=True)
class Pixels:
    """A picture of height x width x channels bytes, row by row."""

    height: int
    width: int
    channels: int
    data: bytes


@dataclass(frozen=True)
class Images:
    """Pictures in rows of `columns`, each with its name (or none)."""

    title: str
    pictures: tuple[Pixels, ...]
    names: tuple[str, ...]
    columns: int
    caption: str = ""


Figure = Curves | Bars | Images


def line(name: str, x: Numbers, y: Numbers, dots: bool = False) -> Series:
    """A series of exact values."""
    return Series(name, numbers(x), numbers(y), dots=dots)


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
    found = [student(row) for row in (logs(rows) if ratios else rows)]
    series = np.array([(e.value, e.low, e.high) for e in found]).T
    series = (np.exp(series) if ratios else series).clip(*within)
    y, low, high = (tuple(one.tolist()) for one in series)
    return Series(name, numbers(x), y, low, high)


def logs(values: Numbers | np.ndarray) -> np.ndarray:
    """Natural logarithms; of 0, where numbers have become too small for their type, -infinity."""
    with np.errstate(divide="ignore"):
        found: np.ndarray = np.log(np.asarray(values, np.float64))
    return found


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
    found = over(name, range(len(values)), values, within=within)
    return Part(name, found.y, found.low, found.high)


def images(
    title: str,
    pictures: Float[Tensor, "n h w *c"] | Num[Tensor, "n h w *c"],
    names: Sequence[str] = (),
    columns: int = 8,
    caption: str = "",
) -> Images:
    """Pictures from bytes, or from numbers of 0 (black) to 1 (white)."""
    x = pictures.detach().cpu()
    x = (x.clamp(0, 1) * 255).round() if x.is_floating_point() else x
    x = (x[..., None] if x.ndim == 3 else x).to(torch.uint8)
    height, width, channels = x.shape[1:]
    found = tuple(Pixels(height, width, channels, one.numpy().tobytes()) for one in x)
    return Images(title, found, tuple(names) or ("",) * len(found), columns, caption)


def numbers(values: Numbers) -> tuple[float, ...]:
    """Any sequence of numbers as a tuple of floats."""
    return tuple(map(float, values))
