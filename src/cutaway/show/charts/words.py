"""Place the words of levels and marks where least is drawn; name lines that coincide."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from cutaway.show.charts.drawing import LEFT, RIGHT, TOP, WIDTH, Dot, Line, Point, Rule, Word

LETTER, TALL, DEEP, GAP = 6.6, 10, 3, 3
"""A text of 12 units: a letter's width, its height above the baseline and below, the margin."""
STEP = 4
"""The distance between the points that stand for a line."""
ALIKE = 3.0
"""Lines that are nowhere further apart look like one."""


def level(y: float, text: str, taken: list[Point], bottom: float) -> Rule:
    """A horizontal line whose word hides as little as can be; the word is then taken too."""
    ends = ((WIDTH - RIGHT, "end"), (LEFT + GAP, "start"), ((LEFT + WIDTH - RIGHT) / 2, "middle"))
    heights = [y - 5] + [y + TALL + 4] * (y + TALL + 4 + DEEP < bottom)
    words = [Word(text, x, at, end) for at in heights for x, end in ends]
    return Rule(y, _least_covering(words, taken))


def mark(x: float, text: str, taken: list[Point], bottom: float) -> Rule:
    """A vertical line whose word hides as little as can be; the word is then taken too."""
    sides = ("start", "end") if x < (LEFT + WIDTH - RIGHT) / 2 else ("end", "start")
    words = [
        Word(text, x + (5 if side == "start" else -5), y, side)
        for side in sides
        for y in (bottom - 8, TOP + TALL, (TOP + bottom) / 2)
    ]
    inside = [one for one in words if _box(one)[0] > LEFT - 1 and _box(one)[1] < WIDTH + 1]
    return Rule(x, _least_covering(inside or words, taken))


def taken(lines: Iterable[Line], dots: Iterable[Dot]) -> list[Point]:
    """Points of all that is drawn, near enough to each other that no word fits between them."""
    points: list[Point] = []
    for one in lines:
        for (a, b), (c, d) in pairwise(one.points):
            n = 1 + int(max(abs(c - a), abs(d - b)) / STEP)
            points += [(a + (c - a) * i / n, b + (d - b) * i / n) for i in range(n + 1)]
    for dot in dots:
        ends = range(int(min(dot.low, dot.high)), int(max(dot.low, dot.high)) + 1, STEP)
        points += [(dot.x, dot.y), *((dot.x, float(y)) for y in ends)]
    return points


def across(heights: Iterable[float]) -> list[Point]:
    """Points of horizontal lines at these heights."""
    return [(float(x), y) for y in heights for x in range(LEFT, WIDTH - RIGHT, STEP)]


def together(lines: Sequence[Line]) -> str:
    """Names the lines that look like one, or nothing."""
    groups: list[list[Line]] = []
    for a, b in combinations(lines, 2):
        if not _coincide(a, b):
            continue
        group = next((g for g in groups if a in g or b in g), None)
        if group is None:
            groups.append([a, b])
        else:
            group += [one for one in (a, b) if one not in group]
    lists = ["; ".join(one.name for one in group) for group in groups]
    return "".join(f"Drawn on each other: {names}. " for names in lists).strip()


def _coincide(a: Line, b: Line) -> bool:
    if not a.points or [x for x, _ in a.points] != [x for x, _ in b.points]:
        return False
    return all(abs(p[1] - q[1]) <= ALIKE for p, q in zip(a.points, b.points, strict=True))


def _least_covering(words: Sequence[Word], taken: list[Point]) -> Word:
    best = min(words, key=lambda word: sum(_inside(p, _box(word)) for p in taken))
    taken += _points(best)
    return best


def _points(word: Word) -> Iterator[Point]:
    left, right, top, bottom = _box(word)
    return ((float(x), (top + bottom) / 2) for x in range(int(left), int(right) + 1, STEP))


def _box(word: Word) -> tuple[float, float, float, float]:
    wide = LETTER * len(word.text)
    left = word.x - {"start": 0.0, "middle": wide / 2, "end": wide}[word.anchor]
    return left - GAP, left + wide + GAP, word.y - TALL - GAP, word.y + DEEP


def _inside(point: Point, box: tuple[float, float, float, float]) -> bool:
    left, right, top, bottom = box
    return left <= point[0] <= right and top <= point[1] <= bottom
