"""Intervals one below the other on one axis, drawn."""

from dataclasses import dataclass

from cutaway.figures import Interval, Intervals
from cutaway.show.charts import scale
from cutaway.show.charts.drawing import Drawing
from cutaway.show.charts.scale import Scale, Ticks

WIDTH, MARGIN, TOP, ROW, BELOW = 400, 14, 4, 52, 40
GAP = 6
"""Space below the last interval."""
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


@dataclass(frozen=True, kw_only=True)
class Spans(Drawing):
    """The drawing; `reference` is where a line marks a value, None where none does."""

    kind = "intervals"
    x_label: str
    ticks: Ticks
    spans: tuple[Span, ...]
    height: int
    reference: float | None
    width: int = WIDTH
    left: int = MARGIN
    right: int = WIDTH - MARGIN
    top: int = TOP

    @property
    def bottom(self) -> int:
        return self.height - BELOW


def draw(figure: Intervals) -> Spans:
    """Some intervals, with the reference on the axis."""
    values = [v for row in figure.rows for v in (row.low, row.high, *row.values)]
    values += [] if figure.reference is None else [figure.reference]
    x = scale.fit(figure.axis, values, MARGIN, WIDTH - MARGIN)
    return Spans(
        title=figure.title,
        summary=figure.summary or f"{figure.title}: {'; '.join(row.label for row in figure.rows)}.",
        x_label=scale.label(figure.axis, x),
        ticks=scale.ticks(figure.axis, x, scale.ACROSS),
        spans=tuple(_span(row, i, x) for i, row in enumerate(figure.rows)),
        height=TOP + ROW * len(figure.rows) + GAP + BELOW,
        reference=None if figure.reference is None else x(figure.reference),
        caption=figure.caption,
    )


def _span(row: Interval, place: int, x: Scale) -> Span:
    name = row.name if len(row.name) <= LONG else f"…{row.name[1 - LONG :]}"
    dots, at = tuple(map(x, row.values)), TOP + ROW * place + 34
    return Span(name, at, x(row.low), x(row.value), x(row.high), dots, row.label, row.role or "one")
