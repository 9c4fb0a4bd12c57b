"""Tables of pictures and labels: CSV with paths, Parquet with paths or with the pictures."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutaway.data import parquet
from cutaway.data.files import PART_NAMES, natural
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.pack import Cell, Progress, Sample, pack
from cutaway.errors import DataError, UsageError, nearest

# The likeliest names of columns, the likeliest first.
IMAGE = ["image", "img", "picture", "photo", "file", "filename", "file_name", "filepath"]
IMAGE += ["file_path", "path", "image_path", "image_file", "image_name", "images"]
LABEL = ["label", "class", "target", "category", "labels", "class_name", "classname", "species"]
PART = ["split", "part", "partition", "subset"]


@dataclass(frozen=True)
class Table:
    """A table's columns: which hold bytes, and how to read one."""

    path: Path
    columns: dict[str, bool]
    read: Callable[[str], list[Any]]


def table(
    path: Path, size: int | None, group_by: str, label: str, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """The pictures that a table names or holds, and whether a column of it has grouped them.

    Raises:
        UsageError: there is no column of that name, or none that looks like pictures or labels.
        DataError: the table cannot be read, names no file that exists, or has no labels.
    """
    source = _parquet(path) if _is_parquet(path) else _csv(path)
    labels = _chosen(source, label, LABEL, "labels", "Name it with --label.")
    by_column = group_by in source.columns
    samples = _samples(source, _images(source), group_by if by_column else "")
    samples, classes, findings = _labelled(path, samples, _texts(source, labels))
    found = pack(
        samples,
        classes,
        image_size=size,
        name=str(path),
        findings=findings,
        progress=progress,
    )
    return found, by_column


def guess(columns: Iterable[str], likely: Sequence[str]) -> str:
    """The column with the likeliest name, or nothing."""
    lowered = {column.lower().strip(): column for column in columns}
    return next((lowered[name] for name in likely if name in lowered), "")


def cells(path: Path, column: str) -> list[Cell]:
    """One cell for each row of a Parquet file."""
    found = path.stat()
    stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    sizes = parquet.groups(path)
    same = (str(path), column)
    return [Cell(*same, group, i, stamp) for group, n in enumerate(sizes) for i in range(n)]


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _csv(path: Path) -> Table:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            sign = max(",;\t|", key=first.count)  # the first is taken where none occurs
            rows = list(csv.DictReader(file, delimiter=sign, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table ({error}).") from None
    if not rows:
        raise DataError(f"{path} has no rows below its line of column names.")
    columns = {name: False for name in rows[0] if name}
    return Table(path, columns, lambda column: [row[column].strip() for row in rows])


def _parquet(path: Path) -> Table:
    return Table(path, parquet.columns(path), lambda column: parquet.values(path, column))


def _chosen(source: Table, named: str, likely: Sequence[str], what: str, hint: str) -> str:
    if named and named not in source.columns:
        raise UsageError(f"{source.path} has no column '{named}'.{nearest(named, source.columns)}")
    if column := named or guess(source.columns, likely):
        return column
    listed = ", ".join(source.columns)
    raise UsageError(f"{source.path} has no column that looks like {what}: {listed}. {hint}")


def _images(source: Table) -> str:
    held = [column for column, holds in source.columns.items() if holds]
    if held:
        return guess(held, IMAGE) or held[0]
    return _chosen(source, "", IMAGE, "pictures", "Call it 'image' or 'file'.")


def _samples(source: Table, images: str, group: str) -> list[Sample]:
    """A sample for each row, its class still to be found."""
    if source.columns[images]:
        pictures: Sequence[Any] = cells(source.path, images)
        names = [f"{source.path.stem}/{i}" for i in range(len(pictures))]
    else:
        names = [str(name or "").replace("\\", "/") for name in source.read(images)]
        pictures = [str(source.path.parent / name) for name in names]
        _require_some(source.path, names, pictures)
    parts = _parts(source, len(names))
    groups = source.read(group) if group else [None] * len(names)
    keys = ["" if key is None else str(key) for key in groups]
    rows = zip(pictures, names, parts, keys, strict=True)
    return [Sample(picture, -1, name, part, key) for picture, name, part, key in rows]


def _require_some(path: Path, names: Sequence[str], files: Sequence[str]) -> None:
    """A few missing files are left out by `pack`; where all are, the paths are wrong."""
    missing = [name for name, file in zip(names, files, strict=True) if not os.path.isfile(file)]
    if len(missing) == len(files):
        raise DataError(
            f"None of the {len(files)} pictures that {path} names is there, among them "
            f"{', '.join(missing[:3])}. Paths are taken from the folder of the table."
        )


def _parts(source: Table, rows: int) -> list[int]:
    """The part of each row, or -1 for all where no column divides them."""
    column = guess(source.columns, PART)
    values = source.read(column) if column else []
    parts = [PART_NAMES.get(str(value).lower(), -1) for value in values]
    return parts if parts and -1 not in parts else [-1] * rows


def _texts(source: Table, column: str) -> list[str]:
    """The label of each row as text, empty where there is none."""
    values = source.read(column)
    known = parquet.class_names(source.path, column) if _is_parquet(source.path) else None
    if known:
        values = [None if v is None or not 0 <= v < len(known) else known[v] for v in values]
    return ["" if value is None else str(value) for value in values]


def _labelled(
    path: Path, samples: list[Sample], labels: list[str]
) -> tuple[list[Sample], list[str], list[Finding]]:
    """The samples that have a label, numbered by class; the others are named."""
    classes = sorted(set(labels) - {""}, key=natural)
    if not classes:
        raise DataError(f"The column of labels in {path} is empty, so nothing can be learnt.")
    number = {name: i for i, name in enumerate(classes)}
    pairs = list(zip(samples, labels, strict=True))
    found = [sample._replace(target=number[label]) for sample, label in pairs if label]
    without = tuple(sample.name for sample, label in pairs if not label)
    said = f"The table gives no label ({len(without)})."
    return found, classes, [Finding("unlabelled", without, said, True)] if without else []
