"""Series over a common axis, drawn."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import get_args

from cutaway.figures import Curves, Series
from cutaway.figures.data import Form, Style
from cutaway.show.charts import scale, words
from cutaway.show.charts.drawing import (
    BELOW,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Band,
    Chart,
    Cloud,
    Column,
    Dot,
    Key,
    Line,
    Point,
    Rule,
    css_classes,
)
from cutaway.show.charts.scale import Scale, Ticks

HEIGHTS: dict[Form, int] = {"usual": 250, "flat": 150, "square": 330}
HOVER, CLOUDY = 100, 60
"""Lines of up to so many points say each value to the pointer; so many dots are smaller."""
RADIUS, SMALL, BEST, LARGE = 3.5, 2.0, 6.0, 8.0
"""Radii: of a dot, of one of many, of the best; and the radius that the greatest weight adds."""

Named = tuple[str, Series]
"""A series with its CSS class."""


@dataclass(frozen=True)
class Frame:
    """The scales of some curves: positions and labels of their points."""

    figure: Curves
    x: Scale
    y: Scale

    def shown(self, one: Series) -> list[int]:
        """The points that can be drawn."""
        pairs = enumerate(zip(one.x, one.y, strict=True))
        return [i for i, (a, b) in pairs if self.x.shows(a) and self.y.shows(b)]

    def points(self, one: Series, values: Sequence[float]) -> tuple[Point, ...]:
        """Positions of a series, or of another with the same x; those that can be drawn."""
        pairs = zip(one.x, values, strict=False)
        return tuple(
            (self.x(a), self.y(b)) for a, b in pairs if self.x.shows(a) and self.y.shows(b)
        )

    def label(self, one: Series, i: int) -> str:
        """Return a point's values in words."""
        if one.labels:
            return one.labels[i]
        name = f"{one.name}, " if one.name else ""
        where, value = scale.written(self.figure.x, one.x[i]), self.value(one.y[i])
        ends = f" ({self.value(one.low[i])} to {self.value(one.high[i])})" if one.low else ""
        return f"{name}{where}: {value}{ends}"

    def value(self, value: float) -> str:
        return scale.written(self.figure.y, value)


def draw(figure: Curves) -> Chart:
    """Series as lines with their intervals as bands, as dots with whiskers, clouds or columns."""
    frame, kinds = _frame(figure), _kinds(figure.series)
    by_style: dict[Style, list[Named]] = {style: [] for style in get_args(Style)}
    for kind, one in zip(kinds, figure.series, strict=True):
        by_style[one.style].append((kind, one))
    lines = [_line(*one, frame) for one in by_style["line"]]
    dots = [dot for one in by_style["dots"] for dot in _dots(*one, frame)]
    levels, marks = _rules(figure, frame, words.taken(lines, dots))
    return Chart(
        title=figure.title,
        summary=figure.summary or _summary(figure),
        x_label=scale.label(figure.x, frame.x),
        y_label=scale.label(figure.y, frame.y),
        height=HEIGHTS[figure.form],
        x_ticks=_x_ticks(figure, frame.x),
        y_ticks=scale.ticks(figure.y, frame.y, scale.UPRIGHT),
        lines=(*(thin for one in by_style["line"] for thin in _replicates(*one, frame)), *lines),
        bands=tuple(_band(*one, frame) for one in by_style["line"] if one[1].low),
        dots=tuple(dots),
        columns=tuple(column for one in by_style["columns"] for column in _columns(*one, frame)),
        clouds=tuple(_cloud(*one, frame) for one in by_style["cloud"]),
        levels=levels,
        marks=marks,
        caption=" ".join(
            filter(None, (figure.caption, words.together([one for one in lines if one.name])))
        ),
        keys=_keys(list(zip(kinds, figure.series, strict=True))),
    )


def _rules(
    figure: Curves, frame: Frame, taken: list[Point]
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Horizontal and vertical lines with their words, where those hide least."""
    heights = [frame.y(at) for at, _ in figure.levels]
    taken += words.across(heights)
    bottom = frame.y.start
    texts = (text for _, text in figure.levels)
    levels = tuple(
        words.level(y, text, taken, bottom) for y, text in zip(heights, texts, strict=True)
    )
    return levels, tuple(words.mark(frame.x(at), text, taken, bottom) for at, text in figure.marks)


def _frame(figure: Curves) -> Frame:
    across = [end for one in figure.series for end in _span(one)] + [at for at, _ in figure.marks]
    x = scale.fit(figure.x, across, LEFT, WIDTH - RIGHT)
    y = scale.fit(figure.y, _values(figure), HEIGHTS[figure.form] - BELOW, TOP)
    return Frame(figure, x, y)


def _span(one: Series) -> tuple[float, ...]:
    """Return all x that have to fit: the points, of columns their sides."""
    half = _half_width(one) if one.style == "columns" else 0.0
    return (*one.x, *(v - half for v in one.x), *(v + half for v in one.x)) if half else one.x


def _half_width(one: Series) -> float:
    """Half a column's width, in units of x."""
    return min((b - a for a, b in pairwise(one.x)), default=1.0) / 2


def _values(figure: Curves) -> list[float]:
    rows = [row for one in figure.series for row in (one.y, one.low, one.high, *one.replicates)]
    return [v for row in rows for v in row] + [at for at, _ in figure.levels]


def _x_ticks(figure: Curves, x: Scale) -> Ticks:
    """Ticks below the curves, at whole numbers where the points are: no half epochs."""
    values = [v for one in figure.series for v in one.x if math.isfinite(v)]
    whole = figure.x.whole or all(v == int(v) for v in values)
    gap = scale.UPRIGHT if whole else scale.ACROSS
    return scale.ticks(replace(figure.x, whole=whole), x, gap, values)


def _kinds(series: Sequence[Series]) -> list[str]:
    """A CSS class for each: its role, or a look of its own."""
    own = [one for one in series if not one.role]
    clouds = any(one.style == "cloud" for one in own)
    free = iter(css_classes(len(own), most=0) if clouds else css_classes(len(own)))
    return [one.role or next(free) for one in series]


def _keys(series: Sequence[Named]) -> tuple[Key, ...]:
    """Return the names of series where there are several, or training is told from validation;
    clouds have their names in them."""
    keys = tuple(
        Key(kind, one.name, one.style != "line")
        for kind, one in series
        if one.name and (one.style != "cloud" or one.role)
    )
    return keys if len(keys) > 1 or any(one.role in ("train", "val") for _, one in series) else ()


def _line(kind: str, one: Series, frame: Frame) -> Line:
    silent = one.role in ("reference", "best") or len(one.x) > HOVER
    labels = () if silent else tuple(frame.label(one, i) for i in frame.shown(one))
    return Line(one.name, kind, frame.points(one, one.y), labels)


def _replicates(kind: str, one: Series, frame: Frame) -> Iterator[Line]:
    for values in one.replicates:
        yield Line("", f"{kind} thin", frame.points(one, values))


def _band(kind: str, one: Series, frame: Frame) -> Band:
    shown = frame.shown(one)
    there = [(frame.x(one.x[i]), frame.y(one.high[i])) for i in shown]
    back = [(frame.x(one.x[i]), frame.y(one.low[i])) for i in reversed(shown)]
    return Band(kind, "M" + "L".join(f"{a:g} {b:g}" for a, b in (*there, *back)) + "Z")


def _dots(kind: str, one: Series, frame: Frame) -> Iterator[Dot]:
    shown = frame.shown(one)
    radius = BEST if one.role == "best" else RADIUS if len(shown) <= CLOUDY else SMALL
    for i in shown:
        more = LARGE * one.weights[i] ** 0.5 if one.weights else 0.0
        low, high = (frame.y(ends[i] if ends else one.y[i]) for ends in (one.low, one.high))
        yield Dot(
            frame.x(one.x[i]), frame.y(one.y[i]), round(radius + more, 1), low, high,
            frame.label(one, i), kind,
        )  # fmt: skip


def _columns(kind: str, one: Series, frame: Frame) -> Iterator[Column]:
    """Columns that touch the axis; none where there is nothing to count."""
    half = _half_width(one)
    for i in frame.shown(one):
        left, right, top = frame.x(one.x[i] - half), frame.x(one.x[i] + half), frame.y(one.y[i])
        tall = round(frame.y.start - top, 1)
        if tall > 0:
            wide = round(max(right - left - 2, 0.5), 1)
            yield Column(
                kind, round((left + right - wide) / 2, 1), top, wide, tall, frame.label(one, i)
            )


def _cloud(kind: str, one: Series, frame: Frame) -> Cloud:
    """Strokes of no length with round ends: a file a tenth as large as one of circles."""
    points = frame.points(one, one.y)
    xs, ys = sorted(x for x, _ in points), sorted(y for _, y in points)
    path = "".join(f"M{x:g} {y:g}h0" for x, y in points)
    middle, name = len(points) // 2, "" if one.role else one.name
    return Cloud(kind, name, path, xs[middle], ys[middle])


def _summary(figure: Curves) -> str:
    names = ", ".join(one.name for one in figure.series[:6])
    return f"{figure.title}: {figure.y.label} over {figure.x.label}; {names}."
