"""A layered drawing as a grid of boxes with SVG edges in the gaps; it stretches as boxes open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cutaway.show.look.layered import Edge, Lane, Layered, layered

GAP, FORK, TURN, LANE = 18, 28, 5, 12
"""Pixels: height of the gap between rows, of one with slanted edges, what each turn in it adds,
from lane to lane."""


@dataclass(frozen=True)
class Box:
    """A node of the drawing.

    Attributes:
        kind: its CSS class: `call`, `operation` or `end`.
        find: what a search looks through.
        share: of the time of the whole pass.
        figures: everything that was measured, in one line.
        inner: what is in it, drawn when it is opened.
        open: whether it is at first.
        area: where it stands in the grid.
        outgoing: whether an edge leaves it.
    """

    id: str
    kind: str
    name: str
    type: str = ""
    shape: str = ""
    find: str = ""
    share: float = 0.0
    figures: str = ""
    inner: "Drawing | None" = None
    open: bool = False
    area: str = ""
    outgoing: bool = False


@dataclass(frozen=True)
class Turn:
    """A bend between a box whose middle is at x (percent) and a lane, y pixels down in the gap."""

    x: float
    y: int
    lane: int


@dataclass(frozen=True)
class Gap:
    """The space between two rows of boxes, with its edges.

    Attributes:
        lines: straight edges, from x to x in percent.
        leaving, coming: edges that go to a lane, or come from one.
    """

    area: str
    height: int
    lines: tuple[tuple[float, float], ...]
    leaving: tuple[Turn, ...]
    coming: tuple[Turn, ...]


@dataclass(frozen=True)
class Strip:
    """A lane beside the rows that it passes, x pixels from the boxes."""

    area: str
    x: int


@dataclass(frozen=True)
class Drawing:
    """Boxes, and edges between them.

    Attributes:
        halves: columns of the grid, two for each box of the fullest row.
        side: pixels at the side for the lanes.
    """

    boxes: tuple[Box, ...]
    gaps: tuple[Gap, ...]
    strips: tuple[Strip, ...]
    halves: int
    side: int


def draw(boxes: Sequence[Box], edges: Sequence[Edge], centred: bool = True) -> Drawing:
    """Place the boxes and their edges.

    Args:
        edges: pairs (a, b) of places in `boxes`, a < b.
        centred: as `layered` has it.
    """
    layout = layered(len(boxes), edges, centred)
    sources = {a for a, _ in edges}
    placed = [
        replace(box, area=_area(2 * p.row + 1, p.left + 1, 1, 2), outgoing=i in sources)
        for i, (box, p) in enumerate(zip(boxes, layout.places, strict=True))
    ]
    halves = 2 * layout.columns
    strips = [
        Strip(_area(2 * e.first + 1, halves + 1, 2 * (e.last - e.first) + 1, 1), _beside(e))
        for e in layout.lanes
    ]
    gaps = tuple(_gap(layout, row) for row in range(layout.rows - 1))
    side = LANE * layout.tracks + (LANE // 2 if layout.tracks else 0)
    return Drawing(tuple(placed), gaps, tuple(strips), halves, side)


def _area(row: int, column: int, height: int, width: int) -> str:
    return f"{row}/{column}/{row + height}/{column + width}"


def _beside(lane: Lane) -> int:
    return LANE * (lane.number + 1)


def _gap(layout: Layered, row: int) -> Gap:
    """The edges between a row and the next; each turn has a height of its own."""

    def middle(node: int) -> float:
        return round((layout.places[node].left + 1) / layout.columns * 50, 2)

    rows = [place.row for place in layout.places]
    leaving = [lane for lane in layout.lanes if rows[lane.source] == row]
    coming = [(e, b) for e in layout.lanes for b in e.targets if rows[b] == row + 1]
    lines = tuple((middle(a), middle(b)) for a, b in layout.straight if rows[a] == row)
    height = GAP if all(a == b for a, b in lines) else FORK
    return Gap(
        _area(2 * row + 2, 1, 1, 2 * layout.columns),
        height + TURN * (len(leaving) + len(coming)),
        lines,
        tuple(Turn(middle(e.source), TURN * (i + 1), _beside(e)) for i, e in enumerate(leaving)),
        tuple(
            Turn(middle(b), TURN * (len(leaving) + i + 1), _beside(e))
            for i, (e, b) in enumerate(coming)
        ),
    )
