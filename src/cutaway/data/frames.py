"""Data frames of pictures and labels, of pandas or Polars: paths, contents or arrays in cells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cutaway.data.dataset import is_picture
from cutaway.data.division import is_word
from cutaway.data.frame import Size
from cutaway.data.imageset import ImageSet
from cutaway.data.items import from_items
from cutaway.data.pack import Progress
from cutaway.data.table import Table, from_table
from cutaway.data.target_spec import TargetSpec

NAME = "data frame"


def from_frame(
    frame: Any, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """The pictures that a data frame names or holds, and whether a column has grouped them.

    Paths count from the current folder. Raises what `table` does.
    """
    columns = {str(column): list(frame[column]) for column in frame.columns}
    first = {name: _first(cells) for name, cells in columns.items()}
    if any(is_picture(cell) and not _encoded(cell) for cell in first.values()):
        return from_items(Rows(columns), size, group_by, spec, progress)
    source = Table(
        Path(NAME),
        {name: _encoded(cell) for name, cell in first.items()},
        read=columns.__getitem__,
        labels=columns.__getitem__,
        pictures=lambda column: [_content(cell) for cell in columns[column]],
        words=[name for name, cells in columns.items() if all(map(is_word, cells))],
    )
    return from_table(source, NAME, size, group_by, spec, progress)


class Rows(Sequence[dict[str, Any]]):
    """Columns as rows with names."""

    def __init__(self, columns: dict[str, list[Any]]):
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def __getitem__(self, i: Any) -> Any:
        return {name: cells[i] for name, cells in self.columns.items()}


def _first(cells: Sequence[Any]) -> Any:
    """The first cell that is not empty."""
    return next((cell for cell in cells if is_picture(cell) or isinstance(cell, str)), None)


def _encoded(cell: Any) -> bool:
    """Whether a cell is the content of a picture file, also as Hugging Face writes it."""
    return isinstance(cell, bytes) or (isinstance(cell, dict) and is_picture(cell))


def _content(cell: Any) -> str | bytes:
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    return cell if isinstance(cell, str | bytes) else b""
