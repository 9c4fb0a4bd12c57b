"""Axes: the upright one that suits a measure's values, epochs, counts and shares."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cutaway.learn.metrics import Metric
from cutaway.show import plots
from cutaway.show.plots import Scale, Ticks
from cutaway.show.words import MINUS, percent

MANY = 30
"""Ratio of values from which on an axis runs by ratios."""


class Axis(NamedTuple):
    """A scale with its label and ticks, and how a value is written: in full, and in a sentence."""

    scale: Scale
    label: str
    ticks: Ticks
    text: Callable[[float], str]
    brief: Callable[[float], str]


def axis(about: Metric, values: Sequence[float], height: int) -> Axis:
    """The axis that suits these values."""
    if about.share:
        return _shares(about.axis, values, height)
    if about.begins == "own" or min(values) < 0:
        return _about(about.axis, values, height)
    return _from_zero(about.axis, values, height)


def epochs(last: int) -> Scale:
    """The horizontal scale of epochs, the first one being 1."""
    return plots.across(1, last) if last > 1 else plots.across(0.5, 1.5)


def whole(x: Scale) -> Ticks:
    """Ticks at whole numbers: epochs, layers, members."""
    return plots.place(plots.round_ticks(x.low, x.high, 8, whole=True), x, lambda v: f"{v:.0f}")


def quarters(scale: Scale) -> Ticks:
    """Ticks of shares from 0 to 1, in per cent."""
    return plots.place((0, 0.25, 0.5, 0.75, 1), scale, lambda v: f"{v * 100:.0f}")


def counts(y: Scale) -> Ticks:
    """A few ticks at whole numbers from 0."""
    return plots.place(plots.round_ticks(0, y.high, 3, whole=True), y, lambda v: f"{v:,.0f}")


def _from_zero(label: str, values: Sequence[float], height: int) -> Axis:
    low, high = max(min(values), 1e-6), max(*values, 2e-6)
    log = high / low > MANY and min(values) > 0  # else late epochs would be a flat line
    bottom, top = (low * 0.8, high * 1.25) if log else (0, high * 1.05)
    y = plots.upright(bottom, top, height, log)
    ticks = plots.log_ticks(bottom, top) if log else plots.round_ticks(bottom, top)
    return _plain(y, _by_ratios(label) if log else label, ticks)


def _by_ratios(label: str) -> str:
    return f"{label[:-1]}, log scale)" if label.endswith(")") else f"{label} (log scale)"


def _about(label: str, values: Sequence[float], height: int) -> Axis:
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or 0.1 * abs(high) or 0.1
    y = plots.upright(low - margin, high + margin, height)
    return _plain(y, label, plots.round_ticks(y.low, y.high))


def _shares(label: str, values: Sequence[float], height: int) -> Axis:
    low = min(values)
    high = min(1, 1.5 * max(*values, 0.01))
    y = plots.upright(max(0, low - 0.1 * (high - low) - 1e-3), high, height)
    ticks = plots.round_ticks(y.low, y.high)
    places = max(0, -_exponent(ticks) - 2)
    placed = plots.place(ticks, y, lambda v: f"{v * 100:.{places}f}")
    return Axis(y, label, placed, lambda v: percent(v, 2), percent)


def short(value: float, most: float = 100_000) -> str:
    """A tick's value, `−2`; `2e−4` and `5e6` where all digits would not fit beside the axis."""
    if value < 0:
        return f"{MINUS}{short(-value, most)}"
    if value == 0 or 0.001 <= value < most or not math.isfinite(value):
        return f"{value:g}"
    digits, _, power = f"{value:e}".partition("e")
    return f"{float(digits):g}e{int(power)}".replace("-", MINUS)


def log_tick(value: float) -> str:
    """A tick's value on a logarithmic axis, `1e4` beside `1e5`."""
    return short(value, most=10_000)


def _plain(y: Scale, label: str, ticks: Sequence[float]) -> Axis:
    placed = plots.place(ticks, y, short)
    return Axis(y, label, placed, lambda v: f"{v:.4g}", lambda v: f"{v:.3g}")


def _exponent(ticks: list[float]) -> int:
    """Of the last decimal that tells two ticks apart."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return next(e for e in range(0, -12, -1) if step >= 0.999 * 10.0**e)
