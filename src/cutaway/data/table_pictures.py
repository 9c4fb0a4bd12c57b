"""The pictures that a table names or holds, whether or not it labels them."""

from collections.abc import Iterator
from pathlib import Path

from cutaway.data.columns import IMAGE, guess
from cutaway.data.lookup import Files, Lookup
from cutaway.data.picture_column import nothing_there, picture_files
from cutaway.data.sample import Absent, Source
from cutaway.data.sheet import NoRows
from cutaway.data.table import Table, open_table
from cutaway.errors import DataError, UsageError, nearest


def table_pictures(path: Path, column: str = "") -> Iterator[tuple[str, Source | Absent]]:
    """The name and the source of each picture, in the order of the rows.

    Args:
        column: the one with the pictures; by default the one that holds them or whose cells are
            files, a likely name first.

    Raises:
        UsageError: the table has no rows, or no such column, or several of different pictures.
        DataError: the table cannot be read, or names no file that exists.
    """
    table = _open(path)
    holding = [name for name, holds in table.columns.items() if holds]
    column = column or guess(holding, IMAGE) or "".join(holding[:1])
    if column and column not in table.columns:
        hint = nearest(column, table.columns)
        raise UsageError(f"{path} has no column '{column}'.{hint}")
    if column in holding:
        yield from ((f"{path.stem}/{i}", cell) for i, cell in enumerate(table.pictures(column)))
    else:
        yield from _named(table, *_files(table, column))


def _open(path: Path) -> Table:
    """The table. Raises UsageError where it has no rows: it asks for nothing."""
    try:
        return open_table(path)
    except NoRows as problem:
        raise UsageError(str(problem)) from None


def _files(table: Table, column: str) -> tuple[str, Files]:
    """The column of pictures, the given one if there is one, and its files."""
    if not column:
        advice = f"Name one: {table.path}:COLUMN."
        return picture_files(table.path, list(table.columns), table.read, advice=advice)
    files = Lookup(table.path).files(table.read(column))
    if not files.there():
        raise DataError(nothing_there(table.path, column, files))
    return column, files


def _named(table: Table, column: str, files: Files) -> Iterator[tuple[str, str | Absent]]:
    """The files; of an empty cell where it is."""
    for row, (name, file) in enumerate(zip(files.names, files.paths, strict=True)):
        if name:
            yield name, file
        else:
            place = f"{table.path.name}, {table.place(row)}"
            yield place, Absent(f"{place}: the cell of column '{column}' is empty.")
