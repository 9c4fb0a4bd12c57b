"""Answers over a plane of two inputs, drawn as tinted regions with the examples as dots."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import groupby

from cutaway.figures import Axis, Plane, Series
from cutaway.show.charts.drawing import BELOW, LEFT, RIGHT, TOP, WIDTH, Drawing, Key
from cutaway.show.charts.scale import Scale, Ticks, fit, label, ticks

LEVELS = 4
"""Strengths of colour, from the boundary to where the answer is surest."""
HUES = 10


@dataclass(frozen=True, kw_only=True)
class Regions(Drawing):
    """The drawing.

    Attributes:
        areas: CSS class, opacity and path of all places of one class and strength.
        dots: CSS class and position of each example.
        lines: the points of each line over it.
    """

    kind = "plane"
    areas: tuple[tuple[str, float, str], ...]
    dots: tuple[tuple[str, float, float], ...]
    lines: tuple[str, ...]
    x_ticks: Ticks
    y_ticks: Ticks
    x_label: str
    y_label: str
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = TOP + WIDTH - RIGHT - LEFT
    width: int = WIDTH

    @property
    def height(self) -> int:
        return self.bottom + BELOW


def draw(figure: Plane) -> Regions:
    """The regions as paths of runs of equal places; a row of them for each row of places."""
    side = WIDTH - RIGHT - LEFT
    x = fit(_ended(figure, 0), (), LEFT, LEFT + side)
    y = fit(_ended(figure, 1), (), TOP + side, TOP)
    return Regions(
        title=figure.title, caption=figure.caption, summary=figure.summary or figure.title,
        keys=tuple(Key(_hue(k), name, True) for k, name in enumerate(figure.names)),
        areas=_areas(figure, side), dots=tuple(_dots(figure, x, y)),
        lines=tuple(_points(one, x, y) for one in figure.lines),
        x_ticks=ticks(_ended(figure, 0), x, 60), y_ticks=ticks(_ended(figure, 1), y, 40),
        x_label=label(figure.x, x), y_label=label(figure.y, y),
    )  # fmt: skip


def _ended(figure: Plane, side: int) -> Axis:
    """The axis along a side, which ends where the plane does."""
    axis = (figure.x, figure.y)[side]
    return replace(axis, low=figure.low[side], high=figure.high[side])


def _areas(figure: Plane, side: int) -> tuple[tuple[str, float, str], ...]:
    n, size = figure.n, side / figure.n
    paths: dict[tuple[int, int], list[str]] = defaultdict(list)
    for row in range(n):
        places = range(row * n, (row + 1) * n)
        top, start = TOP + side - (row + 1) * size, 0
        keys = ((figure.classes[i], figure.margin[i] * LEVELS // 256) for i in places)
        for key, run in groupby(keys):
            count = len(list(run))
            left, wide = LEFT + start * size, count * size
            paths[key].append(f"M{left:.1f} {top:.1f}h{wide:.1f}v{size:.1f}h{-wide:.1f}z")
            start += count
    return tuple(
        (_hue(k), round(0.08 + 0.42 * level / (LEVELS - 1), 2), "".join(parts))
        for (k, level), parts in sorted(paths.items())
    )


def _dots(figure: Plane, x: Scale, y: Scale) -> list[tuple[str, float, float]]:
    return [(_hue(k), round(x(a), 1), round(y(b), 1)) for a, b, k in figure.points]


def _points(line: Series, x: Scale, y: Scale) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(line.x, line.y, strict=True))


def _hue(k: int) -> str:
    return f"hue{k % HUES}"
