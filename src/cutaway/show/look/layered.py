"""A layered drawing of a graph without cycles: what follows stands below.

Source: Sugiyama, Tagawa and Toda 1981. Rows by the longest path, columns near those of what comes
before. An edge to the next row is straight; a longer one leaves for a lane at the side, so that no
edge passes behind a box. Lengths are in rows, columns and lanes: the page that draws it decides
how tall a row is, and a box that opens makes its own row taller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Edge = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The position of a box.

    Attributes:
        left: in halves of a column; each box is two halves wide.
    """

    row: int
    left: int


@dataclass(frozen=True)
class Lane:
    """The way of what one box gives to boxes further down than the next row.

    Attributes:
        targets: by rows.
        number: 0 is the lane nearest to the boxes.
        first, last: rows that the lane passes.
    """

    source: int
    targets: tuple[int, ...]
    number: int
    first: int
    last: int


@dataclass(frozen=True)
class Layered:
    """The drawing.

    Attributes:
        columns: how many boxes stand beside each other in the fullest row.
        straight: edges from a row to the next.
    """

    places: tuple[Place, ...]
    rows: int
    columns: int
    straight: tuple[Edge, ...]
    lanes: tuple[Lane, ...]

    @property
    def tracks(self) -> int:
        """The number of lanes."""
        return max((lane.number + 1 for lane in self.lanes), default=0)


def layered(count: int, edges: Sequence[Edge], centred: bool = True) -> Layered:
    """The drawing of boxes 0..count-1.

    Args:
        edges: pairs (a, b) with a < b: b takes what a gives.
        centred: whether a box stands below the middle of its sources; or below the leftmost, and
            of several the one with the longest way before it first, so that the main path of a long
            drawing runs down at the left.
    """
    edges = sorted(set(edges))
    assert all(0 <= a < b < count for a, b in edges), edges
    rows = _rows(count, edges)
    members: list[list[int]] = [[] for _ in range(max(rows, default=-1) + 1)]
    for node, row in enumerate(rows):
        members[row].append(node)
    columns = max(map(len, members), default=0)
    lefts = _lefts(members, edges, columns, centred)
    places = tuple(Place(rows[node], lefts[node]) for node in range(count))
    straight = tuple((a, b) for a, b in edges if rows[b] == rows[a] + 1)
    long = [(a, b) for a, b in edges if rows[b] > rows[a] + 1]
    return Layered(places, len(members), columns, straight, _lanes(rows, long))


def _rows(count: int, edges: Sequence[Edge]) -> list[int]:
    """The length of the longest path to each; what takes nothing stands just above its takers."""
    rows = [0] * count
    for a, b in edges:  # sorted by a, so rows[a] is known
        rows[b] = max(rows[b], rows[a] + 1)
    takers: dict[int, int] = {}
    for a, b in edges:
        takers[a] = min(takers.get(a, rows[b]), rows[b])
    fed = {b for _, b in edges}
    return [
        takers[node] - 1 if node and node not in fed and node in takers else row
        for node, row in enumerate(rows)
    ]


def _lefts(
    members: Sequence[Sequence[int]], edges: Sequence[Edge], columns: int, centred: bool
) -> dict[int, int]:
    """Each as near to where it wants to be as its neighbours in the row let it."""
    before: dict[int, list[int]] = {}
    ahead: dict[int, int] = {}  # the longest path that follows
    for a, b in reversed(edges):
        before.setdefault(b, []).append(a)
        ahead[a] = max(ahead.get(a, 0), ahead.get(b, 0) + 1)
    middle, last = columns - 1.0, 2.0 * columns - 2
    lefts: dict[int, int] = {}

    def wanted(node: int) -> float:
        known = [lefts[a] for a in before.get(node, []) if a in lefts]
        if centred:
            return sum(known) / len(known) if known else middle
        return min(known) if known else last if lefts else 0.0

    for row in members:
        at = {node: wanted(node) for node in row}
        order = sorted(row, key=lambda n: (at[n], 0 if centred else -ahead.get(n, 0), n))
        places = _apart([at[n] for n in order], 2 * columns - 2)
        lefts |= dict(zip(order, places, strict=True))
    return lefts


def _apart(wanted: Sequence[float], most: int) -> list[int]:
    """Places 0..most at least 2 apart, in order, nearest to the wanted ones by least squares.

    What is crowded shares its distance: pooling of adjacent violators.
    """
    pools: list[tuple[float, int]] = []  # mean of (wanted - 2 i), how many
    for i, at in enumerate(wanted):
        mean, size = at - 2 * i, 1
        while pools and pools[-1][0] > mean:
            other, more = pools.pop()
            mean, size = (mean * size + other * more) / (size + more), size + more
        pools.append((mean, size))
    free = most - 2 * (len(wanted) - 1)
    starts = [min(max(round(mean), 0), free) for mean, size in pools for _ in range(size)]
    return [start + 2 * i for i, start in enumerate(starts)]


def _lanes(rows: Sequence[int], long: Sequence[Edge]) -> tuple[Lane, ...]:
    """One for each source; the shorter a way, the nearer to the boxes it runs."""
    targets: dict[int, list[int]] = {}
    for a, b in long:
        targets.setdefault(a, []).append(b)
    spans = {a: (rows[a] + 1, max(rows[b] for b in to) - 1) for a, to in targets.items()}
    taken: list[list[tuple[int, int]]] = []
    lanes = []
    for a in sorted(spans, key=lambda a: (spans[a][1] - spans[a][0], a)):
        first, last = spans[a]
        free = (i for i, t in enumerate(taken) if all(e < first - 1 or s > last + 1 for s, e in t))
        number = next(free, len(taken))
        taken += [[]] if number == len(taken) else []
        taken[number].append((first, last))
        to = tuple(sorted(targets[a], key=lambda b: (rows[b], b)))
        lanes.append(Lane(a, to, number, first, last))
    return tuple(sorted(lanes, key=lambda lane: lane.source))
