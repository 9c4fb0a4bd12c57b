"""Bars one below the other, each group's name above its own: names stay whole on a phone."""

from dataclasses import dataclass, replace
from math import isfinite

from cutaway.figures import Bars, Part
from cutaway.show.charts import scale
from cutaway.show.charts.drawing import Drawing, Key, css_classes
from cutaway.show.charts.scale import Scale, Ticks
from cutaway.show.words import cell

WIDTH, MARGIN, VALUE, LETTER = 400, 12, 62, 7.5
"""Widths: of the drawing, its margins, the values at the right, and a letter in them."""
INDENT = 5
"""How far names stand from the axis."""
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


@dataclass(frozen=True, kw_only=True)
class Rows(Drawing):
    """Bars, drawn; `names` are (y, text)."""

    kind = "bars"
    x_label: str
    ticks: Ticks
    names: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]
    zero: float
    height: float
    width: int = WIDTH
    right: float = WIDTH - VALUE
    left: int = MARGIN + INDENT
    tall: int = BAR

    @property
    def bottom(self) -> float:
        return self.height - BELOW


def draw(figure: Bars) -> Rows:
    """Some bars; values that are not finite have none."""
    right, kinds = WIDTH - _value_width(figure), css_classes(len(figure.parts))
    x = _scale(figure, right)
    names, rows, y = [], [], 0.0
    for i, group in enumerate(figure.groups):
        names.append((y + NAME - 4, group))
        y += NAME
        for kind, part in zip(kinds, figure.parts, strict=True):
            if isfinite(part.values[i]):
                rows.append(_row(kind, part, i, group, x, y))
            y += BAR + 2
        y += GAP
    keys = tuple(Key(k, part.name, True) for k, part in zip(kinds, figure.parts, strict=True))
    labels = "; ".join(row.label for row in rows)
    return Rows(
        title=figure.title,
        summary=figure.summary or f"{figure.title}, {figure.axis.label}: {labels}.",
        x_label=scale.label(figure.axis, x),
        ticks=scale.ticks(figure.axis, x, scale.ACROSS),
        names=tuple(names),
        rows=tuple(rows),
        zero=x(_base(x)),
        height=y + BELOW,
        caption=figure.caption,
        keys=keys if len(keys) > 1 else (),
        right=right,
    )


def _row(kind: str, part: Part, i: int, group: str, x: Scale, y: float) -> Row:
    value = part.values[i]
    start, end = sorted((x(_base(x)), x(value)))
    label, interval = f"{group}, {part.name}: {value:.4g}", None
    if part.low:
        low, high = part.low[i], part.high[i]
        label += f" ({low:.4g} to {high:.4g})"
        interval = x(low), x(high)
    return Row(kind, y, start, end, interval, _text(value), label)


def _text(value: float) -> str:
    return cell(value if value == int(value) else float(f"{value:.3g}"))


def _value_width(figure: Bars) -> float:
    """The width of the values at the right, by the longest of them."""
    texts = [_text(v) for p in figure.parts for v in p.values if isfinite(v)]
    return max([VALUE, *(LETTER * len(text) + MARGIN for text in texts)])


def _base(x: Scale) -> float:
    """The value at which bars begin."""
    return x.low if x.log else 0.0


def _scale(figure: Bars, right: float) -> Scale:
    """The scale of all values and of zero, where bars begin; on a log axis, below the smallest."""
    values = [v for p in figure.parts for v in (*p.values, *p.low, *p.high)]
    if figure.axis.scale == "log":
        positive = [v for v in values if isfinite(v) and v > 0]
        values += [min(positive) / 2] if positive else []
    else:
        values += [0.0]
    return scale.fit(replace(figure.axis, zero=True), values, MARGIN, right)
