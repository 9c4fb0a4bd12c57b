"""Axes drawn: positions along them, ticks and labels."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cutaway.figures import Axis
from cutaway.show.words import MINUS, percent

MANY = 30
"""Ratio of values from which on an axis with scale `auto` is logarithmic."""
ROOM = 0.05
"""Space left free at each end, as a share of the values' range."""
UPRIGHT, ACROSS, MOST = 40, 60, 7
"""Distances of ticks one above the other and side by side; most ticks of a logarithmic axis."""
NEAR, LETTERS, LONG = 32, 4, 10
"""Least distance and most letters of ticks at the values; letters of a name below an axis."""

Ticks = tuple[tuple[float, str], ...]
"""Positions with their texts."""


@dataclass(frozen=True)
class Scale:
    """A range of values drawn between two positions; equal ratios as equal steps where `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position of a value, or of the end that it lies beyond."""
        inside = min(max(value, self.low), self.high)
        low, high, at = ((math.log(v) if self.log else v) for v in (self.low, self.high, inside))
        return round(self.start + (self.end - self.start) * (at - low) / (high - low), 1)

    def shows(self, value: float) -> bool:
        """Whether a value can be drawn on it."""
        return math.isfinite(value) and (value > 0 or not self.log)


def fit(axis: Axis, values: Iterable[float], start: float, end: float) -> Scale:
    """The scale of an axis that shows these values."""
    if axis.names:
        return Scale(0.5, len(axis.names) + 0.5, start, end)
    least = -math.inf if axis.low is None else axis.low
    most = math.inf if axis.high is None else axis.high
    known = [min(max(v, least), most) for v in values if math.isfinite(v)]
    log = axis.scale == "log" or (axis.scale == "auto" and _spans(known))
    known = [v for v in known if v > 0 or not log] or [1.0]
    low, high = _ends(axis, min(known), max(known), log)
    low, high = low if axis.low is None else axis.low, high if axis.high is None else axis.high
    return Scale(low, high, start, end, log)


def _spans(values: Sequence[float]) -> bool:
    """Whether values span so much that the small ones would be a flat line."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > MANY


def _ends(axis: Axis, low: float, high: float, log: bool) -> tuple[float, float]:
    """The ends of an axis that shows values from `low` to `high`."""
    if log:
        room = (high / low) ** ROOM if high > low else 2.0
        return low / room, high * room
    if axis.share:
        return max(0.0, low - 0.1 * (high - low) - 1e-3), min(1.0, 1.5 * max(high, 0.01))
    if axis.zero and low >= 0:
        return 0.0, (1 + ROOM) * high or 1.0
    room = ROOM * (high - low) or (0.5 if axis.whole else 0.5 * abs(high)) or 0.5
    return low - room, high + room


def ticks(axis: Axis, scale: Scale, gap: float, values: Iterable[float] = ()) -> Ticks:
    """Return the ticks of an axis, `gap` or more apart.

    Args:
        values: that were measured; where few, they are the ticks of a logarithmic axis.
    """
    if axis.names:
        return tuple((scale(i + 1), _brief(name)) for i, name in enumerate(axis.names))
    if scale.log and scale.high / scale.low >= 3:
        powers = place(thinned(log_ticks(scale.low, scale.high)), scale, log_tick)
        return _measured(values, scale) or powers
    most = max(3, round(abs(scale.end - scale.start) / gap))
    at = round_ticks(scale.low, scale.high, most, axis.whole)
    return place(at, scale, _shares(at) if axis.share else short)


def _brief(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 1]}…"


def _measured(values: Iterable[float], scale: Scale) -> Ticks:
    """The values themselves, or nothing where they are many or near to each other."""
    known = sorted({v for v in values if scale.shows(v)})
    at = place(known, scale, log_tick) if len(known) <= MOST else ()
    near = any(b - a < NEAR for (a, _), (b, _) in pairwise(at))
    return () if near or any(len(text) > LETTERS for _, text in at) else at


def _shares(at: Sequence[float]) -> Callable[[float], str]:
    """Shares in per cent, with the decimals that tell two ticks apart."""
    step = at[1] - at[0] if len(at) > 1 else 1.0
    exponent = next(e for e in range(0, -12, -1) if step >= 0.999 * 10.0**e)
    places = max(0, -exponent - 2)
    return lambda value: f"{value * 100:.{places}f}"


def round_ticks(low: float, high: float, most: int = 5, whole: bool = False) -> list[float]:
    """At most `most` + 1 values in low..high, 1, 2 or 5 times a power of 10 apart."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 times the powers of 10 in low..high, or the powers alone where those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return values if len(values) <= 6 else [v for v in values if math.log10(v) % 1 < 1e-9]


def thinned(values: list[float]) -> list[float]:
    """Every second, third, ... of them, so that they do not run into each other."""
    return values[:: -(-len(values) // MOST)] if values else values


def place(values: Iterable[float], scale: Scale, text: Callable[[float], str]) -> Ticks:
    """Ticks at `values`."""
    return tuple((scale(value), text(value)) for value in values)


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


def written(axis: Axis, value: float) -> str:
    """A value of an axis in words: `epoch 3`, `98.12 %`, `0.1234`."""
    if axis.names:
        return axis.names[round(value) - 1]
    if axis.whole:
        return f"{axis.label} {value:,.0f}"
    return percent(value, 2) if axis.share else f"{value:.4g}"


def label(axis: Axis, scale: Scale) -> str:
    """Return the text beside an axis."""
    if not scale.log:
        return axis.label
    text = axis.label
    return f"{text[:-1]}, log scale)" if text.endswith(")") else f"{text} (log scale)"
