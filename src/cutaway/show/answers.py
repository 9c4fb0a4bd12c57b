"""Predictions on the terminal, as plain columns: one image waits for no library that draws."""

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
    rows = [("image", *(headings or ["answer"])), *map(_row, predictions)]
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


def _row(one: Prediction) -> tuple[str, ...]:
    """The cells of an image; of one that cannot be read its name and why."""
    name = Path(one.name).name
    cells = (one.error.removeprefix(f"{one.name}: "),) if one.error else _cells(one).values()
    return tuple(_printable(cell) for cell in (name, *cells))


def _printable(text: str) -> str:
    """The text without what would move a terminal's cursor: names of files hold anything."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
