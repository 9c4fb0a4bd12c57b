"""A table of counts, drawn: with numbers, or in shades where rows are many."""

import math
from dataclasses import dataclass

from cutaway.figures import Matrix
from cutaway.show.charts.drawing import Drawing
from cutaway.show.words import percent

FEW = 30
"""Up to so many rows have numbers."""
SHADES = 5


@dataclass(frozen=True)
class Cell:
    """One field; `share` is that of its row."""

    count: int
    share: float
    right: bool
    label: str

    @property
    def tint(self) -> int:
        """Per cent of colour: the root lets a few mistakes among many right answers be seen."""
        return round(8 + 42 * self.share**0.5) if self.count else 0


@dataclass(frozen=True, kw_only=True)
class Cells(Drawing):
    """The drawing.

    Attributes:
        cells: row by row; nothing where `shades`, (CSS class, SVG path) in units of a field, stand
            for them.
    """

    kind = "matrix"
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    shades: tuple[tuple[str, str], ...]


def draw(figure: Matrix) -> Cells:
    """Counts as a table; of many rows, as a picture."""
    many = len(figure.rows) > FEW
    return Cells(
        title=figure.title,
        summary=figure.summary or figure.title,
        rows=figure.rows,
        columns=figure.columns,
        cells=() if many else tuple(_row(figure, row) for row in range(len(figure.rows))),
        shades=shades(figure) if many else (),
        caption=figure.caption,
    )


def _row(figure: Matrix, row: int) -> tuple[Cell, ...]:
    total = sum(figure.counts[row])
    return tuple(_cell(figure, row, column, total) for column in range(len(figure.columns)))


def _cell(figure: Matrix, row: int, column: int, total: int) -> Cell:
    count = figure.counts[row][column]
    share = count / total if total else 0.0
    names = f"{figure.rows[row]}, predicted {figure.columns[column]}"
    label = f"{names}: {count} of {total} ({percent(share)})" if count else ""
    return Cell(count, share, row == column, label)


def shades(figure: Matrix) -> tuple[tuple[str, str], ...]:
    """One path a shade: the share of the row, right answers and mistakes apart."""
    paths: dict[str, list[str]] = {}
    for row, counts in enumerate(figure.counts):
        for column, count in enumerate(counts):
            if count:
                kind = "right" if row == column else "wrong"
                level = min(SHADES, 1 + int(math.sqrt(count / sum(counts)) * SHADES))
                paths.setdefault(f"{kind} shade{level}", []).append(f"M{column} {row}h1v1h-1z")
    return tuple((kind, "".join(fields)) for kind, fields in sorted(paths.items()))
