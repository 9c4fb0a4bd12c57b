"""A folder of Parquet files that are one table in pieces: `train-00000-of-00004.parquet`, ..."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cutaway.data import parquet
from cutaway.data.division import PARTS, likely_part
from cutaway.data.pack import Cell
from cutaway.data.table import Table, cells
from cutaway.data.walk import ENDINGS, natural, walk
from cutaway.errors import DataError

SPLIT = "split"


def shards_in(root: Path, endings: tuple[str, ...]) -> list[Path]:
    """The files of a kind below a folder, in natural order; none where there are pictures, too."""
    found = []
    for name in walk(root, ""):
        if name.lower().endswith(ENDINGS):
            return []
        if name.lower().endswith(endings):
            found.append(name.lstrip("/"))
    return [root / name for name in sorted(found, key=natural)]


def part_of_shard(root: Path, path: Path) -> int:
    """The part that a file's name, or else its folder's, names; -1 where neither does."""
    stem = re.sub(r"[-_.]?\d+([-_]of[-_]\d+)?$", "", path.name.partition(".")[0])
    folders = reversed(path.relative_to(root).parts[:-1])
    return next((part for word in (stem, *folders) if (part := likely_part(word)) >= 0), -1)


def open_shards(root: Path, paths: Sequence[Path]) -> Table:
    """Parquet files as one table, with a column for the parts that their names tell.

    Raises DataError where they cannot be read, or have different columns.
    """
    columns = parquet.columns(paths[0])
    for path in paths[1:]:
        if parquet.columns(path).keys() != columns.keys():
            raise DataError(
                f"{root} holds Parquet files of different columns, {paths[0].relative_to(root)} "
                f"and {path.relative_to(root)}: name a folder of those that belong together."
            )
    parts = [part_of_shard(root, path) for path in paths]
    divided = 0 in parts and -1 not in parts and SPLIT not in columns

    def read(column: str) -> list[Any]:
        if divided and column == SPLIT:
            rows = [sum(parquet.groups(path)) for path in paths]
            return [PARTS[p] for p, n in zip(parts, rows, strict=True) for _ in range(n)]
        return [value for path in paths for value in parquet.values(path, column)]

    def pictures(column: str) -> list[Cell]:
        return [cell for path in paths for cell in cells(path, column)]

    extra = [SPLIT] if divided else []
    return Table(
        root, columns | dict.fromkeys(extra, False), read=read, labels=read, pictures=pictures,
        known=lambda column: parquet.class_names(paths[0], column),
        words=[*parquet.words(paths[0]), *extra],
    )  # fmt: skip
