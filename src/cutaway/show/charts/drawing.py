"""The parts of a drawing: positions, paths and words, in its own units.

Drawn by hand because importing matplotlib alone takes about a second, several times what the whole
report takes, and the colours of its SVG do not follow the reader's theme.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from cutaway.show.charts.scale import Ticks

WIDTH, LEFT, RIGHT, TOP, BELOW = 400, 58, 12, 10, 40
"""The frame of curves, in about CSS pixels on a phone, so that 12-unit text stays legible."""
FEW = 20
"""Lines of up to so many points show a dot for each."""
KINDS = ("one", "two", "three", "four")
"""CSS classes of up to four series, which dashes distinguish too; more have the ten colours."""

Point = tuple[float, float]


def css_classes(count: int, most: int = len(KINDS)) -> list[str]:
    """A CSS class for each of so many series; colours of classes for more than `most`."""
    return [KINDS[i] if count <= most else f"hue{i % 10}" for i in range(count)]


class Key(NamedTuple):
    """The name of a series, beside a stroke of its colour or a dot."""

    kind: str
    name: str
    dot: bool = False


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure drawn; `kind` names its template."""

    title: str
    summary: str
    caption: str
    keys: tuple[Key, ...] = ()
    kind: ClassVar[str]


@dataclass(frozen=True)
class Line:
    """A series: `kind` is its CSS class, `points` are positions, `labels` say each one's value."""

    name: str
    kind: str
    points: tuple[Point, ...]
    labels: tuple[str, ...] = ()

    @property
    def dotted(self) -> bool:
        return len(self.points) <= FEW


@dataclass(frozen=True)
class Dot:
    """A point with a whisker from `low` to `high` (vertical positions)."""

    x: float
    y: float
    radius: float
    low: float
    high: float
    label: str
    kind: str


@dataclass(frozen=True)
class Band:
    """An area about a line, such as its intervals, as a path."""

    kind: str
    path: str


@dataclass(frozen=True)
class Column:
    """A column that stands on the axis."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Cloud:
    """Many points of one kind as one path, and a name at (x, y) in their middle."""

    kind: str
    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Word:
    """Text with its baseline at y; `anchor` is which end of it is at x."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Rule:
    """A line across the whole drawing at a position, with what it is."""

    at: float
    word: Word


@dataclass(frozen=True, kw_only=True)
class Chart(Drawing):
    """Curves, drawn."""

    kind = "curves"
    x_label: str
    y_label: str
    height: int
    x_ticks: Ticks
    y_ticks: Ticks
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    dots: tuple[Dot, ...]
    columns: tuple[Column, ...]
    clouds: tuple[Cloud, ...]
    levels: tuple[Rule, ...]
    marks: tuple[Rule, ...]
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP

    @property
    def bottom(self) -> int:
        return self.height - BELOW
