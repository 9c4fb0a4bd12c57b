"""Where the words of level lines and marks stand: where least is drawn, and what is drawn twice."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import NamedTuple

from cutaway.show.plots import LEFT, RIGHT, TOP, WIDTH, Dot, Level, Line, Mark, Point

LETTER, TALL, DEEP, GAP = 6.6, 10, 3, 3
"""Of a text of 12 units: a letter's width, its height above the baseline and below, the air."""
STEP = 4
"""Between the points that stand for a line."""
ALIKE = 3.0
"""Lines that are nowhere further apart look like one."""


class Spot(NamedTuple):
    """A place for a word: its baseline, and which end of it is at x."""

    x: float
    y: float
    anchor: str


def level(y: float, text: str, taken: list[Point], bottom: float) -> Level:
    """A horizontal line whose word hides as little as can be; the word is then taken too."""
    ends = ((WIDTH - RIGHT, "end"), (LEFT + GAP, "start"), ((LEFT + WIDTH - RIGHT) / 2, "middle"))
    heights = [y - 5] + [y + TALL + 4] * (y + TALL + 4 + DEEP < bottom)
    spot = _freest([Spot(x, at, end) for at in heights for x, end in ends], text, taken)
    return Level(y, text, spot.x, spot.y, spot.anchor)


def mark(drawn: Mark, taken: list[Point], bottom: float) -> Mark:
    """A vertical line whose word hides as little as can be; the word is then taken too."""
    heights = (bottom - 8, TOP + TALL, (TOP + bottom) / 2)
    other = "end" if drawn.anchor == "start" else "start"
    spots = [
        Spot(drawn.x + (5 if side == "start" else -5), y, side)
        for side in (drawn.anchor, other)
        for y in heights
    ]
    inside = [s for s in spots if _box(s, drawn.text)[0] > LEFT - 1]
    inside = [s for s in inside if _box(s, drawn.text)[1] < WIDTH + 1]
    spot = _freest(inside or spots, drawn.text, taken)
    return replace(drawn, anchor=spot.anchor, y=spot.y)


def taken(lines: Iterable[Line], dots: Iterable[Dot], levels: Iterable[float]) -> list[Point]:
    """Points of all that is drawn, near enough to each other that no word fits between them."""
    found: list[Point] = []
    for one in lines:
        for (a, b), (c, d) in pairwise(one.points):
            n = 1 + int(max(abs(c - a), abs(d - b)) / STEP)
            found += [(a + (c - a) * i / n, b + (d - b) * i / n) for i in range(n + 1)]
    for dot in dots:
        ends = range(int(min(dot.low, dot.high)), int(max(dot.low, dot.high)) + 1, STEP)
        found += [(dot.x, dot.y), *((dot.x, float(y)) for y in ends)]
    return found + [(float(x), y) for y in levels for x in range(LEFT, WIDTH - RIGHT, STEP)]


def together(lines: Sequence[Line]) -> str:
    """Names the lines that look like one, or nothing."""
    groups: list[list[Line]] = []
    for a, b in combinations(lines, 2):
        if not _alike(a, b):
            continue
        group = next((g for g in groups if a in g or b in g), None)
        if group is None:
            groups.append([a, b])
        else:
            group += [one for one in (a, b) if one not in group]
    said = ["; ".join(one.name for one in group) for group in groups]
    return "".join(f"Drawn on each other: {names}. " for names in said).strip()


def _alike(a: Line, b: Line) -> bool:
    if not a.points or [x for x, _ in a.points] != [x for x, _ in b.points]:
        return False
    return all(abs(p[1] - q[1]) <= ALIKE for p, q in zip(a.points, b.points, strict=True))


def _freest(spots: Sequence[Spot], text: str, taken: list[Point]) -> Spot:
    best = min(spots, key=lambda spot: sum(_inside(p, _box(spot, text)) for p in taken))
    left, right, top, bottom = _box(best, text)
    middle = (top + bottom) / 2
    taken += [(float(x), middle) for x in range(int(left), int(right) + 1, STEP)]
    return best


def _box(spot: Spot, text: str) -> tuple[float, float, float, float]:
    wide = LETTER * len(text)
    left = spot.x - {"start": 0.0, "middle": wide / 2, "end": wide}[spot.anchor]
    return left - GAP, left + wide + GAP, spot.y - TALL - GAP, spot.y + DEEP


def _inside(point: Point, box: tuple[float, float, float, float]) -> bool:
    left, right, top, bottom = box
    return left <= point[0] <= right and top <= point[1] <= bottom
