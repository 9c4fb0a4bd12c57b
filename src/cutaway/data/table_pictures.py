"""The pictures that a table names or holds, whether or not it labels them."""

from collections.abc import Iterator
from pathlib import Path

from cutaway.data.columns import IMAGE, guess
from cutaway.data.lookup import Lookup
from cutaway.data.sample import Cell
from cutaway.data.table import open_table
from cutaway.errors import UsageError, nearest


def table_pictures(path: Path, column: str = "") -> Iterator[tuple[str, str | bytes | Cell]]:
    """The name and the source of each picture, in the order of the rows.

    Args:
        column: the one with the pictures; by default the one that holds them or is named so.

    Raises:
        UsageError: there is no such column.
        DataError: the table cannot be read.
    """
    table = open_table(path)
    holding = [name for name, holds in table.columns.items() if holds]
    column = column or guess(holding, IMAGE) or guess(table.columns, IMAGE) or "".join(holding[:1])
    if column not in table.columns:
        hint = nearest(column, table.columns) if column else f" Name one: {path}:COLUMN."
        named = f"no column '{column}'" if column else "no column that looks like pictures"
        raise UsageError(f"{path} has {named}.{hint}")
    if column in holding:
        pictures = enumerate(table.pictures(column))
        yield from ((f"{path.stem}/{row}", picture) for row, picture in pictures)
    else:
        files = Lookup(path).files(table.read(column))
        yield from zip(files.names, files.paths, strict=True)
