"""Tables of pictures and labels: CSV with paths, Parquet with paths or with the pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutaway.data import parquet
from cutaway.data.columns import IMAGE, LABEL, guess, label_column, likely_columns
from cutaway.data.division import likely_part, of_table
from cutaway.data.frame import Size
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.label_sets import (
    LabelSets,
    flag_columns,
    one_each,
    sets_of_cells,
    sets_of_columns,
)
from cutaway.data.lookup import Files
from cutaway.data.pack import Cell, Progress, Sample, pack
from cutaway.data.picture_column import ambiguous, picture_files
from cutaway.data.rows import labelled
from cutaway.data.sheet import sheet
from cutaway.data.target_spec import TargetSpec
from cutaway.data.targets import Labels, Place, labels_of, row_place, text_of
from cutaway.data.values import values_of
from cutaway.errors import UsageError


@dataclass(frozen=True)
class Table:
    """A table's columns: which hold pictures, how to read one, and how to read its pictures.

    Attributes:
        labels: a column as it stands in the table, with the spaces around its cells.
        known: names for the numbers in a column, where the table keeps such.
        words: columns of words, whole numbers, or yes and no, any of which may divide the images.
        place: where a row stands, for messages: `line 3`.
    """

    path: Path
    columns: dict[str, bool]
    read: Callable[[str], list[Any]]
    labels: Callable[[str], list[Any]]
    pictures: Callable[[str], Sequence[str | bytes | Cell]]
    known: Callable[[str], list[str] | None] = lambda column: None
    findings: Sequence[Finding] = ()
    words: Sequence[str] = ()
    place: Place = row_place


def table(
    path: Path, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """The pictures that a table names or holds, and whether a column of it has grouped them.

    Raises:
        UsageError: there is no column of that name, or none that looks like pictures or labels.
        DataError: the table cannot be read, names no file that exists, or has no labels.
    """
    return from_table(open_table(path), str(path), size, group_by, spec, progress)


def from_table(
    source: Table, name: str, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """The pictures of a table that has been opened; see `table`."""
    images, files = _images(source, spec)
    columns = target_columns(source, spec, images, group_by)
    by_column = group_by in source.columns
    samples = _samples(source, images, files, group_by if by_column else "")
    samples, noticed = _divided(source, samples, {images, *columns, group_by})
    labels = _read(source, columns, spec)
    samples, label_findings = labelled(samples, labels, spec.several, source.place)
    findings = [*source.findings, *noticed, *(files.findings if files else ())]
    findings += [*labels.findings, *label_findings]
    image_set = pack(
        samples,
        _names(labels),
        image_size=size,
        name=name,
        findings=findings,
        progress=progress,
    )
    return image_set, by_column


def open_table(path: Path) -> Table:
    """The columns of a CSV, TSV or Parquet file. Raises DataError where it cannot be read."""
    return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


def cells(path: Path, column: str) -> list[Cell]:
    """One cell for each row of a Parquet file."""
    status = path.stat()
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    sizes = parquet.groups(path)
    same = (str(path), column)
    return [Cell(*same, group, i, stamp) for group, n in enumerate(sizes) for i in range(n)]


def _csv(path: Path) -> Table:
    parsed = sheet(path)
    columns = dict.fromkeys(parsed.columns, False)
    return Table(
        path,
        columns,
        read=lambda column: [cell.strip() for cell in parsed.columns[column]],
        labels=parsed.columns.__getitem__,
        pictures=lambda column: [],
        findings=parsed.findings,
        words=[*columns],
        place=lambda row: f"line {parsed.lines[row]}",
    )


def _parquet(path: Path) -> Table:
    def read(column: str) -> list[Any]:
        return parquet.values(path, column)

    return Table(
        path,
        parquet.columns(path),
        read=read,
        labels=read,
        pictures=lambda column: cells(path, column),
        known=lambda column: parquet.class_names(path, column),
        words=parquet.words(path),
    )


def target_columns(source: Table, spec: TargetSpec, images: str = "", group: str = "") -> list[str]:
    """The columns that hold the targets: the named ones, the obvious one, or several of 0 and 1.

    Raises UsageError where there are none.
    """
    columns = list(source.columns)
    names = spec.columns(columns)
    if not names and not spec.numbers and not likely_columns(columns, LABEL):
        others = [c for c in source.words if c not in (images, group) and likely_part(c) < 0]
        if flags := flag_columns(others, source.read):
            return flags
    return [label_column(source.path, columns, n, source.read, images) for n in names or [""]]


def _read(source: Table, columns: Sequence[str], spec: TargetSpec) -> Labels | LabelSets:
    """The targets in these columns: numbers, one class, or several labels."""
    if spec.numbers:
        return values_of(
            {column: source.read(column) for column in columns}, source.place, str(source.path)
        )
    if len(columns) > 1:
        found = sets_of_columns(
            {column: source.read(column) for column in columns}, source.place, str(source.path)
        )
        return (None if spec.several else one_each(found)) or found
    (column,) = columns
    cells, known, of = source.labels(column), source.known(column), f"Column '{column}'"
    return sets_of_cells(cells, known, of, spec.several) or labels_of(cells, known, of)


def _names(labels: Labels | LabelSets) -> Sequence[str]:
    """The names of the classes, of the numbers or of the labels."""
    if isinstance(labels, LabelSets):
        return labels.names
    return labels.quantities or labels.classes


def _images(source: Table, spec: TargetSpec) -> tuple[str, Files | None]:
    """The column of pictures, and its files where it names files.

    Raises UsageError where there is none, or where several hold different pictures.
    """
    picture_columns = [column for column, holds in source.columns.items() if holds]
    if picture_columns:
        if len(picture_columns) > 1 and not guess(picture_columns, IMAGE):
            raise UsageError(ambiguous(source.path, picture_columns))
        return guess(picture_columns, IMAGE) or picture_columns[0], None
    return picture_files(
        source.path, list(source.columns), source.read, spec.columns(source.columns)
    )


def _samples(source: Table, images: str, files: Files | None, group: str) -> list[Sample]:
    """A sample for each row, without its class as yet."""
    pictures: Sequence[str | bytes | Cell] = files.paths if files else source.pictures(images)
    stem = source.path.stem
    names = files.names if files else [f"{stem}/{i}" for i in range(len(pictures))]
    groups = source.read(group) if group else [None] * len(names)
    keys = [text_of(key) or "" for key in groups]
    rows = zip(pictures, names, keys, strict=True)
    return [Sample(picture, -1, name, group=key) for picture, name, key in rows]


def _divided(
    source: Table, samples: list[Sample], others: set[str]
) -> tuple[list[Sample], list[Finding]]:
    """The samples in the parts that a column gives, and findings; `others` are no such columns."""
    columns = [name for name in source.words if name not in others]
    names = [sample.name for sample in samples]
    parts, noticed = of_table(source.path, columns, lambda name: _words(source, name), names)
    return [one._replace(part=part) for one, part in zip(samples, parts, strict=True)], noticed


def _words(source: Table, column: str) -> list[str]:
    """A column as text, its numbers by the names that the table keeps for them."""
    known, values = source.known(column), source.read(column)
    if known:
        values = [None if v is None or not 0 <= v < len(known) else known[v] for v in values]
    return [text_of(value) or "" for value in values]


def classes_of(path: Path, spec: TargetSpec) -> Sequence[str]:
    """The classes that a table names; no picture is opened. Raises what `table` does."""
    source = open_table(path)
    columns = target_columns(source, spec, _images(source, spec)[0])
    labels = _read(source, columns, spec)
    return labels.names if isinstance(labels, LabelSets) else labels.classes
