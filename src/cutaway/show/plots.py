"""Charts as plain geometry; `charts.html` turns them into SVG in the page's own colours and font.

They are written by hand because importing matplotlib alone takes about a second, several times
what the whole report takes, and the colours of its SVG do not follow the reader's theme.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor

WIDTH, LEFT, RIGHT, TOP, BELOW = 400, 58, 12, 10, 40
"""Of a chart, in its own units: about CSS pixels on a phone, so that 12-unit text stays legible."""
HOVER, DOTS = 100, 20
"""Lines of up to so many points say each value to the pointer, and show a dot for it."""

Point = tuple[float, float]
Ticks = tuple[tuple[float, str], ...]
"""Positions with what stands there."""


@dataclass(frozen=True)
class Scale:
    """A range of values drawn between two positions; equal ratios as equal steps where `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = ((math.log(v) if self.log else v) for v in (self.low, self.high, value))
        return round(self.start + (self.end - self.start) * (value - low) / (high - low), 1)


@dataclass(frozen=True)
class Line:
    """A series: `kind` is its CSS class, `points` are positions, `labels` say each one's value."""

    name: str
    kind: str
    points: tuple[Point, ...]
    labels: tuple[str, ...]

    @property
    def dotted(self) -> bool:
        return len(self.points) <= DOTS


@dataclass(frozen=True)
class Dot:
    """A point with a whisker from `low` to `high` (vertical positions)."""

    x: float
    y: float
    radius: float
    low: float
    high: float
    label: str
    kind: str = "val"


@dataclass(frozen=True)
class Band:
    """An area about a line, such as its intervals, as a path."""

    kind: str
    path: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A vertical line with a word beside it; `anchor` keeps the word inside the chart.

    Attributes:
        y: the word's baseline, just above the axis where none is given.
    """

    x: float
    text: str
    anchor: str
    y: float | None = None


@dataclass(frozen=True)
class Level:
    """A horizontal line with a word above it.

    Attributes:
        x, at: where the word stands, `at` being its baseline; none: at the right, 5 above the line.
        anchor: which end of the word is at x.
    """

    y: float
    text: str
    x: float | None = None
    at: float | None = None
    anchor: str = "end"


@dataclass(frozen=True)
class Cloud:
    """Many points of one kind as one path, and its name at (x, y) in their middle."""

    kind: str
    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """A drawing with axes.

    Attributes:
        caption: what has to be said below it.
        keys: (kind, name) of each line, where they are others than those of the page.
        pointed: kinds that are points alone.
    """

    title: str
    summary: str
    x_label: str
    y_label: str
    height: int
    x_ticks: Ticks
    y_ticks: Ticks
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()
    levels: tuple[Level, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    caption: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    pointed: tuple[str, ...] = ()
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP

    @property
    def bottom(self) -> int:
        return self.height - BELOW


def across(low: float, high: float) -> Scale:
    """The horizontal scale of a chart."""
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def upright(low: float, high: float, height: int, log: bool = False) -> Scale:
    """The vertical scale of a chart of that height."""
    return Scale(low, high, height - BELOW, TOP, log)


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
    found = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return found if len(found) <= 6 else [v for v in found if math.log10(v) % 1 < 1e-9]


def place(values: Sequence[float], scale: Scale, text: Callable[[float], str]) -> Ticks:
    """Ticks at `values`."""
    return tuple((scale(value), text(value)) for value in values)


def line(
    name: str, kind: str, data: Sequence[Point], x: Scale, y: Scale, text: Callable[[Point], str]
) -> Line:
    """A series of (x, y) values, placed; what lies below the axis stands on it."""
    points = tuple((x(a), y(max(b, y.low))) for a, b in data)
    return Line(name, kind, points, tuple(map(text, data)) if len(data) <= HOVER else ())


def mark(at: float, text: str, turn: float = 0.5) -> Mark:
    """A vertical line at a position, its word on the left where it lies beyond a share `turn`."""
    return Mark(at, text, "start" if at < LEFT + turn * (WIDTH - RIGHT - LEFT) else "end")


def cloud(kind: str, name: str, data: Sequence[Point], x: Scale, y: Scale) -> Cloud:
    """Points of one kind, as strokes of no length with round ends: a file a tenth as large."""
    xs, ys = [x(a) for a, _ in data], [y(b) for _, b in data]
    path = "".join(f"M{a:g} {b:g}h0" for a, b in zip(xs, ys, strict=True))
    middle = len(data) // 2
    return Cloud(kind, name, path, sorted(xs)[middle], sorted(ys)[middle])


def heat(confusion: Int[Tensor, "k k"], levels: int = 5) -> list[tuple[str, str]]:
    """The cells of a big confusion matrix as (CSS class, SVG path), one path a shade.

    The shade is the share of the row, right answers and mistakes apart; k x k units.
    """
    paths: dict[str, list[str]] = {}
    totals = confusion.sum(1).tolist()
    for row, column in confusion.nonzero().tolist():
        share = int(confusion[row, column]) / totals[row]
        kind = "right" if row == column else "wrong"
        level = min(levels, 1 + int(math.sqrt(share) * levels))
        paths.setdefault(f"{kind} shade{level}", []).append(f"M{column} {row}h1v1h-1z")
    return [(kind, "".join(cells)) for kind, cells in sorted(paths.items())]
