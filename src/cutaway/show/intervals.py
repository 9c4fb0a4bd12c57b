"""Intervals one below the other on one axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from cutaway.learn.stats import Estimate
from cutaway.show import plots
from cutaway.show.axes import short
from cutaway.show.plots import Scale, Ticks

WIDTH, MARGIN, TOP, ROW, BELOW = 400, 14, 4, 52, 40
GAP = 6
"""Below the last interval."""
LONG = 44
"""Letters of a name that fit above an interval."""


@dataclass(frozen=True)
class Span:
    """One interval: positions across, and what it says.

    Attributes:
        y: of its line; the name stands above it.
        dots: single values.
    """

    name: str
    y: int
    low: float
    at: float
    high: float
    dots: tuple[float, ...]
    label: str
    kind: str


@dataclass(frozen=True)
class Intervals:
    """The drawing; `zero` is where a line marks the first side, None where none does."""

    title: str
    summary: str
    x_label: str
    ticks: Ticks
    spans: tuple[Span, ...]
    height: int
    zero: float | None
    width: int = WIDTH
    left: int = MARGIN
    right: int = WIDTH - MARGIN
    top: int = TOP

    @property
    def bottom(self) -> int:
        return self.height - BELOW


@dataclass(frozen=True)
class Entry:
    """What one interval is drawn from; `label` says it in words."""

    name: str
    estimate: Estimate
    label: str
    values: tuple[float, ...] = ()
    kind: str = "val"


def intervals(
    title: str, x_label: str, entries: Sequence[Entry], unit: float = 1.0, zero: bool = False
) -> Intervals:
    """The drawing of some estimates, times `unit`; with 0 on the axis where `zero`."""
    x = _scale([v * unit for entry in entries for v in _values(entry)] + [0.0] * zero)
    return Intervals(
        title=title,
        summary=f"{title}: {'; '.join(entry.label for entry in entries)}.",
        x_label=x_label,
        ticks=plots.place(plots.round_ticks(x.low, x.high), x, short),
        spans=tuple(_span(entry, i, x, unit) for i, entry in enumerate(entries)),
        height=TOP + ROW * len(entries) + GAP + BELOW,
        zero=x(0.0) if zero else None,
    )


def _values(entry: Entry) -> tuple[float, ...]:
    return (entry.estimate.low, entry.estimate.high, *entry.values)


def _scale(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 0.1
    return Scale(low - margin, high + margin, MARGIN, WIDTH - MARGIN)


def _span(entry: Entry, row: int, x: Scale, unit: float) -> Span:
    one = entry.estimate
    low, at, high = (x(v * unit) for v in (one.low, one.value, one.high))
    name = entry.name if len(entry.name) <= LONG else f"…{entry.name[1 - LONG :]}"
    dots = tuple(x(v * unit) for v in entry.values)
    return Span(name, TOP + ROW * row + 34, low, at, high, dots, entry.label, entry.kind)
