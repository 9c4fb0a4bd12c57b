"""Plain figures as geometry and pictures: `figures.html` puts them on a page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from cutaway.figures import Curves, Images, Pixels, Series
from cutaway.show import places, plots
from cutaway.show.axes import log_tick, short
from cutaway.show.pictures import Picture, picture
from cutaway.show.plots import Band, Chart, Dot, Level, Line, Mark, Scale

HEIGHT, CRISP, LARGEST = 260, 64, 256
KINDS = ("one", "two", "three", "four")
"""Of up to four series, told apart by dashes too; more have the ten colours of classes."""
RADIUS, CLOUDY = 3.0, 60
"""Of a dot, and of how many on they are smaller."""
MARGIN = 0.04
MOST, ROOM, LONGEST = 7, 32, 4
"""Of an axis that runs by ratios: its ticks, the room between two of them, and their letters."""


@dataclass(frozen=True)
class Gallery:
    """Pictures in rows."""

    title: str
    tiles: tuple[tuple[Picture, str], ...]
    columns: int
    caption: str


def kinds(count: int) -> list[str]:
    """A CSS class for each of so many series."""
    return [KINDS[i] if count <= len(KINDS) else f"hue{i % 10}" for i in range(count)]


def chart(figure: Curves, height: int = HEIGHT) -> Chart:
    """Series as lines with their intervals as bands, or as dots with whiskers."""
    xs = [v for s in figure.series for v in s.x] + [v for v, _ in figure.marks]
    ys = [v for s in figure.series for part in (s.y, s.low, s.high) for v in part]
    ys += [v for v, _ in figure.levels]
    x = _scale(xs, (plots.LEFT, plots.WIDTH - plots.RIGHT), figure.x.scale == "log")
    y = _scale(ys, (height - plots.BELOW, plots.TOP), figure.y.scale == "log")
    named = list(zip(kinds(len(figure.series)), figure.series, strict=True))
    lines = tuple(_line(kind, s, x, y) for kind, s in named if s.style != "dots")
    dots = tuple(dot for kind, s in named if s.style == "dots" for dot in _dots(kind, s, x, y))
    levels, marks = _words(figure, x, y, lines, dots)
    return Chart(
        title=figure.title,
        summary=_summary(figure),
        x_label=labelled(figure.x.label, figure.x.scale == "log"),
        y_label=labelled(figure.y.label, figure.y.scale == "log"),
        height=height,
        x_ticks=_own(xs, x) or _ticks(x, whole=all(v == int(v) for v in xs if math.isfinite(v))),
        y_ticks=_ticks(y),
        bands=tuple(_band(kind, s, x, y) for kind, s in named if s.low and s.style != "dots"),
        lines=lines,
        dots=dots,
        marks=marks,
        levels=levels,
        caption=" ".join(filter(None, (figure.caption, places.together(lines)))),
        keys=tuple((kind, s.name) for kind, s in named) if len(named) > 1 else (),
        pointed=tuple(kind for kind, s in named if s.style == "dots"),
    )


def _words(
    figure: Curves, x: Scale, y: Scale, lines: Sequence[Line], dots: Sequence[Dot]
) -> tuple[tuple[Level, ...], tuple[Mark, ...]]:
    """Horizontal and vertical lines with their words, where those hide least."""
    taken = places.taken(lines, dots, [y(v) for v, _ in figure.levels])
    levels = tuple(places.level(y(v), text, taken, y.start) for v, text in figure.levels)
    drawn = (plots.mark(x(v), text) for v, text in figure.marks)
    return levels, tuple(places.mark(one, taken, y.start) for one in drawn)


def labelled(text: str, log: bool) -> str:
    if not log:
        return text
    return f"{text[:-1]}, log scale)" if text.endswith(")") else f"{text} (log scale)"


def _scale(values: Sequence[float], ends: tuple[float, float], log: bool) -> Scale:
    """From the least to the most, with a little room."""
    known = [v for v in values if math.isfinite(v) and (v > 0 or not log)] or [1.0]
    low, high = min(known), max(known)
    if log:
        room = (high / low) ** MARGIN if high > low else 2.0
        return Scale(low / room, high * room, *ends, log=True)
    room = MARGIN * (high - low) or 0.5 * abs(high) or 0.5
    return Scale(low - room, high + room, *ends)


def _ticks(scale: Scale, whole: bool = False) -> plots.Ticks:
    if scale.log and scale.high / scale.low >= 3:
        return plots.place(thinned(plots.log_ticks(scale.low, scale.high)), scale, log_tick)
    return plots.place(plots.round_ticks(scale.low, scale.high, whole=whole), scale, short)


def _own(xs: Sequence[float], x: Scale) -> plots.Ticks:
    """The few values that were measured along an axis by ratios, or none where they are many."""
    known = sorted({v for v in xs if math.isfinite(v) and v > 0})
    ticks = plots.place(known, x, log_tick) if x.log and len(known) <= MOST else ()
    near = any(b - a < ROOM for (a, _), (b, _) in pairwise(ticks))
    return () if near or any(len(text) > LONGEST for _, text in ticks) else ticks


def thinned(ticks: list[float]) -> list[float]:
    """Every second, third, ... of them, so that they do not run into each other."""
    return ticks[:: -(-len(ticks) // MOST)] if ticks else ticks


def _met(s: Series, x: Scale, y: Scale) -> list[int]:
    """The points that can be drawn."""
    return [
        i
        for i, (a, b) in enumerate(zip(s.x, s.y, strict=True))
        if all(math.isfinite(v) and (v > 0 or not log) for v, log in ((a, x.log), (b, y.log)))
    ]


def _said(s: Series, i: int) -> str:
    ends = f" ({s.low[i]:.3g} to {s.high[i]:.3g})" if s.low else ""
    return f"{s.x[i]:.4g}: {s.y[i]:.4g}{ends}"


def _line(kind: str, s: Series, x: Scale, y: Scale) -> Line:
    met = _met(s, x, y)
    few = len(met) <= plots.HOVER
    labels = tuple(_said(s, i) for i in met) if few else ()
    return Line(s.name, kind, tuple((x(s.x[i]), y(s.y[i])) for i in met), labels)


def _dots(kind: str, s: Series, x: Scale, y: Scale) -> list[Dot]:
    met, at = _met(s, x, y), _bounded(y)
    radius = RADIUS if len(met) <= CLOUDY else RADIUS / 2
    return [
        Dot(
            x(s.x[i]), y(s.y[i]), radius,
            at(s.low[i] if s.low else s.y[i]), at(s.high[i] if s.high else s.y[i]),
            f"{s.name}, {_said(s, i)}", kind,
        )
        for i in met
    ]  # fmt: skip


def _bounded(y: Scale) -> Callable[[float], float]:
    """A height, where an interval of a logarithmic axis may reach below it."""
    return lambda value: y(max(value, y.low))


def _band(kind: str, s: Series, x: Scale, y: Scale) -> Band:
    met, at = _met(s, x, y), _bounded(y)
    there = [(x(s.x[i]), at(s.high[i])) for i in met]
    back = [(x(s.x[i]), at(s.low[i])) for i in reversed(met)]
    return Band(kind, "M" + "L".join(f"{a:g} {b:g}" for a, b in (*there, *back)) + "Z")


def _summary(figure: Curves) -> str:
    names = ", ".join(s.name for s in figure.series[:6])
    return f"{figure.title}: {figure.y.label} over {figure.x.label}; {names}."


def gallery(figure: Images) -> Gallery:
    """Pictures with their names."""
    tiles = tuple(
        (_picture(one), name) for one, name in zip(figure.pictures, figure.names, strict=True)
    )
    return Gallery(figure.title, tiles, figure.columns, figure.caption)


def _picture(one: Pixels) -> Picture:
    values = torch.frombuffer(bytearray(one.data), dtype=torch.uint8)
    return picture(values.view(one.height, one.width, one.channels), LARGEST, CRISP)
