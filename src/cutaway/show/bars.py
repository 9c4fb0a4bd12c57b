"""Bars one below the other, each group's name above its own: names stay whole on a phone."""

from dataclasses import dataclass
from math import isfinite

from cutaway.figures import Bars, Part
from cutaway.show import plots
from cutaway.show.axes import log_tick, short
from cutaway.show.figures import kinds, labelled, thinned
from cutaway.show.plots import Scale, Ticks
from cutaway.show.words import cell

WIDTH, MARGIN, VALUE, LETTER = 400, 12, 62, 7.5
"""Of the drawing; to its sides; for the values at the right, and of a letter in them."""
NAME, BAR, GAP, BELOW = 17, 13, 9, 40
"""Heights: of a name, of a bar, between groups, and of the axis."""


@dataclass(frozen=True)
class Row:
    """One bar from `start` to `end`, with the ends of its interval (or none).

    Attributes:
        text: its value, for the eye; `label` says all.
    """

    kind: str
    y: float
    start: float
    end: float
    interval: tuple[float, float] | None
    text: str
    label: str


@dataclass(frozen=True)
class Rows:
    """The drawing; `names` are (y, text)."""

    title: str
    summary: str
    x_label: str
    ticks: Ticks
    names: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]
    zero: float
    height: float
    caption: str
    keys: tuple[tuple[str, str], ...]
    width: int = WIDTH
    right: float = WIDTH - VALUE
    left: int = MARGIN
    tall: int = BAR

    @property
    def bottom(self) -> float:
        return self.height - BELOW


def rows(figure: Bars) -> Rows:
    """The drawing of some bars; values that are not finite have none."""
    right, colours = WIDTH - _room(figure), kinds(len(figure.parts))
    x = _scale(figure, right)
    names, found, y = [], [], 0.0
    for i, group in enumerate(figure.groups):
        names.append((y + NAME - 4, group))
        y += NAME
        for kind, part in zip(colours, figure.parts, strict=True):
            if isfinite(part.values[i]):
                found.append(_row(kind, part, i, group, x, y))
            y += BAR + 2
        y += GAP
    named = zip(colours, (part.name for part in figure.parts), strict=True)
    return Rows(
        title=figure.title,
        summary=f"{figure.title}, {figure.axis.label}: {'; '.join(row.label for row in found)}.",
        x_label=labelled(figure.axis.label, figure.axis.scale == "log"),
        ticks=plots.place(_ticks(x), x, log_tick if x.log else short),
        names=tuple(names),
        rows=tuple(found),
        zero=x(_foot(x)),
        height=y + BELOW,
        caption=figure.caption,
        keys=tuple(named) if len(figure.parts) > 1 else (),
        right=right,
    )


def _row(kind: str, part: Part, i: int, group: str, x: Scale, y: float) -> Row:
    value = part.values[i]
    start, end = sorted((x(_foot(x)), x(_within(value, x))))
    label, interval = f"{group}, {part.name}: {value:.4g}", None
    if part.low:
        low, high = part.low[i], part.high[i]
        label += f" ({low:.4g} to {high:.4g})"
        interval = x(_within(low, x)), x(_within(high, x))
    return Row(
        kind,
        y,
        start,
        end,
        interval,
        _text(value),
        label,
    )


def _text(value: float) -> str:
    return cell(value if value == int(value) else float(f"{value:.3g}"))


def _room(figure: Bars) -> float:
    """For the values at the right, the longest of which needs it."""
    texts = [_text(v) for p in figure.parts for v in p.values if isfinite(v)]
    return max([VALUE, *(LETTER * len(text) + MARGIN for text in texts)])


def _foot(x: Scale) -> float:
    """Where bars begin."""
    return x.low if x.log else 0.0


def _within(value: float, x: Scale) -> float:
    return min(max(value, x.low), x.high)


def _scale(figure: Bars, right: float) -> Scale:
    values = [v for p in figure.parts for v in (*p.values, *p.low, *p.high) if isfinite(v)]
    if figure.axis.scale == "log":
        positive = [v for v in values if v > 0] or [1.0]
        return Scale(min(positive) / 2, max(positive) * 1.1, MARGIN, right, log=True)
    low, high = min([0.0, *values]), max([0.0, *values])
    return Scale(low * 1.03, (high if high > low else low + 1) * 1.03, MARGIN, right)


def _ticks(x: Scale) -> list[float]:
    if x.log:
        return thinned(plots.log_ticks(x.low, x.high))
    return plots.round_ticks(x.low, x.high)
