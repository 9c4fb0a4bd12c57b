"""One picture before it is decoded: its source and its metadata."""

import os
from base64 import b64encode
from typing import Any, NamedTuple

from cutaway.data import cache


class Cell(NamedTuple):
    """A picture in a Parquet file; `stamp` changes when the file does."""

    parquet: str
    column: str
    group: int
    row: int
    stamp: tuple[int, ...]


Source = str | bytes | Cell
"""A picture: the path of its file, the content of one, or a cell of a table."""


class Absent(NamedTuple):
    """No picture, and why there is none: the cell of a table is empty."""

    absent: str


class Sample(NamedTuple):
    """One picture before it is decoded.

    Attributes:
        source: path of a file, the content of one, or a cell of a table.
        target: index of its class.
        name: what reports call it; its path below the root.
        part: index into `imageset.PARTS`; -1 where the source makes no division.
        group: samples with the same group never part; empty where it has none.
        values: the numbers to be predicted of it; none where it has a class.
        labels: indices of its labels, which may be several or none; None where it has a class.
    """

    source: Source
    target: int
    name: str
    part: int = -1
    group: str = ""
    values: tuple[float, ...] = ()
    labels: tuple[int, ...] | None = None


def stamp(source: Source) -> tuple[int, Any]:
    """Size in bytes, and something that changes when the content does.

    The time of the last change of a file's record is part of it: archives unpack files with times
    and sizes that say nothing, and some tools restore the time of the last change of content.
    """
    if isinstance(source, bytes):
        return len(source), cache.digest(source)
    if isinstance(source, Cell):
        return 0, (source.row, source.stamp)
    try:
        status = os.stat(source)
    except (OSError, ValueError):  # not there, or no path at all
        return 0, None
    return status.st_size, (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def as_task(source: Source | Absent) -> str | dict[str, Any]:
    """The source as a task names it; see `worker.fetch`."""
    if isinstance(source, str):
        return source
    if isinstance(source, bytes):
        return {"base64": b64encode(source).decode()}
    return source._asdict()
