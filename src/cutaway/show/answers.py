"""Predictions on the terminal, as plain columns: one image waits for no library that draws."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cutaway.data.stream import in_lots
from cutaway.learn.prediction import Prediction

AT_ONCE = 1_000
"""Rows that are aligned with each other, so that memory stays flat."""


def show(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """Print each prediction, or why there is none, and hand it on."""
    for some in in_lots(predictions, AT_ONCE):
        for line in lines(some):
            print(line)
        yield from some


def lines(predictions: Sequence[Prediction]) -> Iterator[str]:
    """A line of headings, and one for each image, its columns aligned."""
    headings = dict.fromkeys(name for one in predictions if not one.error for name in _cells(one))
    short = short_names([one.name for one in predictions])
    rows = [("image", *(headings or ["answer"])), *map(_row, predictions, short)]
    whole = [
        rows[0],
        *(row for row, one in zip(rows[1:], predictions, strict=True) if not one.error),
    ]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    widths[0] = max(len(row[0]) for row in rows)
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(padded).rstrip()


def _cells(one: Prediction) -> dict[str, str]:
    """The cells of an answer, and whether its image is unlike what the network learned from."""
    unlike = {} if one.unlike is None else {"unlike": "yes" if one.is_unlike else "no"}
    return one.cells() | unlike


def short_names(names: Sequence[str]) -> list[str]:
    """The last part of each path, and as many before it as tell it from the others."""
    short = {name: Path(name).name for name in names}
    parts = {name: Path(name).parts for name in short}
    count = 1
    while alike := _alike(short, parts, count):
        count += 1
        short |= {name: str(Path(*parts[name][-count:])) for name in alike}
    return [short[name] for name in names]


def _alike(short: dict[str, str], parts: dict[str, tuple[str, ...]], count: int) -> list[str]:
    """The paths that look like another, and have more than `count` parts."""
    groups = defaultdict(list)
    for name, told in short.items():
        groups[told].append(name)
    several = [name for group in groups.values() if len(group) > 1 for name in group]
    return [name for name in several if len(parts[name]) > count]


def _row(one: Prediction, name: str) -> tuple[str, ...]:
    """The cells of an image; of one that cannot be read its name and why."""
    cells = (one.error.removeprefix(f"{one.name}: "),) if one.error else _cells(one).values()
    return tuple(_printable(cell) for cell in (name, *cells))


def _printable(text: str) -> str:
    """The text without what would move a terminal's cursor: names of files hold anything."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
