"""Turn edges between operations into edges between the parts of each module call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

IN = -1
"""The source of edges that come from outside a level; edges that leave end at len(parts)."""
Edge = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """Either a call inside a call, or an operation of the call itself."""

    call: int | None = None
    operation: int | None = None


@dataclass(frozen=True)
class Level:
    """The parts of one module call and the edges between them.

    Attributes:
        parts: in the order in which they began.
        edges: pairs of places in `parts`: data flows from the first to the second. `IN` stands for
            the call's input, len(parts) for its output.
    """

    parts: tuple[Part, ...]
    edges: tuple[Edge, ...]


def levels(
    parents: Sequence[int | None],
    homes: Sequence[int],
    sources: Sequence[Sequence[int]],
    results: Iterable[int],
) -> tuple[Level, ...]:
    """Compute the level of each call.

    Args:
        parents: the call in which each call is made; None for the whole network.
        homes: the call that each operation belongs to.
        sources: the operations whose results each operation takes, `IN` for the input.
        results: operations whose results leave the network.
    """
    places, parts = _placed(parents, homes)
    edges: list[dict[Edge, None]] = [{} for _ in parents]  # in order, each once
    counts = [len(p) for p in parts]
    pairs = [(a, b) for b, earlier in enumerate(sources) for a in earlier]
    for a, b in [*pairs, *((a, None) for a in results)]:
        begin, end = places[a] if a != IN else [], places[b] if b is not None else []
        _lift(begin, end, counts, edges)
    return tuple(Level(tuple(p), tuple(e)) for p, e in zip(parts, edges, strict=True))


def _placed(
    parents: Sequence[int | None], homes: Sequence[int]
) -> tuple[list[list[Edge]], list[list[Part]]]:
    """The path to each operation as (call, place in it), and the parts of each call."""
    parts: list[list[Part]] = [[] for _ in parents]
    paths: dict[int, list[Edge]] = {}

    def path(call: int) -> list[Edge]:
        if call not in paths:
            parent = parents[call]
            paths[call] = (
                [] if parent is None else [*path(parent), _enter(parts, parent, Part(call))]
            )
        return paths[call]

    places = [[*path(home), _enter(parts, home, Part(None, i))] for i, home in enumerate(homes)]
    return places, parts


def _enter(parts: list[list[Part]], call: int, part: Part) -> Edge:
    parts[call].append(part)
    return call, len(parts[call]) - 1


def _lift(
    begin: Sequence[Edge], end: Sequence[Edge], counts: Sequence[int], edges: list[dict[Edge, None]]
) -> None:
    """Divide an edge between operations: out of the calls that it leaves, across, into those it
    enters.

    Args:
        begin, end: the ways to the two operations; empty for the world outside.
    """
    common = 0
    while common < min(len(begin), len(end)) and begin[common] == end[common]:
        common += 1
    for call, place in begin[common + 1 if end else 0 :]:
        edges[call][place, counts[call]] = None
    for call, place in end[common + 1 if begin else 0 :]:
        edges[call][IN, place] = None
    if begin and end:
        call = begin[common][0]
        edges[call][begin[common][1], end[common][1]] = None
