"""`load`: any source of labelled pictures as an image set."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from cutaway.addresses import is_address
from cutaway.data.catalog import SOURCES, Source
from cutaway.data.division import named_as_parts
from cutaway.data.files import TABLES, folder
from cutaway.data.frame import Size
from cutaway.data.groups import grouped
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress
from cutaway.data.target_spec import TargetSpec
from cutaway.data.walk import ARCHIVES, ENDINGS, INDEX
from cutaway.errors import CutawayError, DataError, UsageError, nearest

__all__ = ["SOURCES", "Source", "load"]

# What is no source, and how to make one of it.
EXPLANATIONS = {
    (".xlsx", ".xls", ".xlsm", ".ods", ".numbers"): "a spreadsheet: save it as CSV (UTF-8)",
    (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst"): "an archive that is not read here: unpack it, "
    "and name the folder (.zip and .tar are read as they are)",
    (".json", ".jsonl", ".txt", ".xml"): "a text that is not read here: write a CSV with the "
    "columns image and label",
    (".npy", ".npz"): "a file of arrays: open it with NumPy, and give fit (images, targets)",
    (".pt", ".pth", ".pkl"): "pickled, and could run code: open it yourself if you trust it, and "
    "give fit (images, targets)",
    (".arrow", ".feather", ".tfrecord", ".h5", ".hdf5"): "a format that is not read here: save it "
    "as Parquet, or as files with a CSV",
}


def load(
    data: Any,
    *,
    image_size: Size = None,
    group_by: str = "",
    label: str = "",
    numbers: bool = False,
    several: bool = False,
    progress: Progress | None = None,
) -> ImageSet:
    """Load the images of `data`, decoded once and mapped from the cache afterwards.

    Args:
        data: a name of the catalogue (`SOURCES`: `digits`, `mnist`, `xor`, `scenes`, ...); a folder
            `root/class/*` or `root/{train,val,test}/class/*`; a folder `root/images/*` beside
            `root/masks/*`, also below parts (see `masks`); a CSV or Parquet file with pictures
            (paths or bytes) and labels; a ZIP or TAR archive of such; one picture file, to be
            fitted; an address of such elsewhere (`s3://`, `gs://`, `hf://datasets/`, `https://`);
            `(images, targets)` arrays; an image set; a data frame; anything indexable of
            `(image, target)` or of rows with columns; what gives such one after another, of which
            the first are loaded (see `Stream`); or parts of all these,
            `{"train": ..., "test": ...}` or `(train, val)`.
        image_size: side in pixels; None chooses (see `pack`). Of a single picture the longer side.
            Or a `Frame`, which all is brought to.
        group_by: what must never part: a regular expression on the image's name (its first group
            counts, or the whole match), `level:N` for the N-th folder of its path (from 1, or from
            the end with -1), or a column of the table.
        label: the column of the table (or of rows) that holds the labels, where it is not the
            obvious one; of numbers, or labels with a column of 0 and 1 each, several: `cat,dog`.
        numbers: whether numbers are to be predicted and no classes told.
        several: whether each image has several labels; by default where the data show it.
        progress: called with the number of images decoded so far and in all.

    Raises:
        UsageError: there is no such data set, file, column or group.
        DataError: the data cannot be used, read, downloaded or cached.
    """
    if isinstance(image_size, int) and image_size < 1:
        raise UsageError(f"An image size of {image_size} pixels makes no sense.")
    _expect_columns(data, label, data)
    spec = TargetSpec(label, numbers, several)
    images, by_column = _read(data, image_size, group_by, spec, progress)
    if isinstance(image_size, int):
        images = images.resized(image_size)
    elif image_size is not None:
        images = images.framed(image_size)
    if group_by and not by_column:
        images = grouped(images, group_by)
    if numbers and images.values is None:
        raise DataError(
            f"{images.name or 'The data'} have classes, and numbers are to be predicted: give a "
            "table with columns of numbers, or arrays."
        )
    return _checked(images)


def _expect_columns(data: Any, label: str, called: Any) -> None:
    """Raises UsageError where a column is named, and data have none."""
    if label and not has_columns(data):
        raise UsageError(
            f"--label names the column of a table that holds the labels, and {called} has no "
            "columns: leave it out, or name the table."
        )


def has_columns(data: Any) -> bool:
    """Whether data may have a column for `label` to name: all may but a known name, one picture,
    and a folder (or an archive of one) whose labels are folders or masks."""
    if not isinstance(data, str | PathLike) or is_address(data):
        return True
    path = Path(data).expanduser()
    if path.is_file() and path.name.lower().endswith(ARCHIVES):
        from cutaway.data.archive import extract

        return has_columns(extract(path)[0])
    if path.is_dir() and str(data) not in SOURCES:
        if is_packed(path):  # which says so itself
            return True
        from cutaway.data.masks import has_masks
        from cutaway.data.pieces import pieces_in
        from cutaway.data.siblings import has_class_folders

        return bool(pieces_in(path)) or not (has_masks(path) or has_class_folders(path))
    return str(data) not in SOURCES and path.suffix.lower() not in ENDINGS


def _read(
    data: Any, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Read an image set; and whether a column has grouped it."""
    if isinstance(data, ImageSet):
        return data, False
    if not isinstance(data, str | PathLike):
        from cutaway.data.objects import from_object

        def part(data: Any, side: Size) -> tuple[ImageSet, bool]:
            return _read(data, side, group_by, spec, progress)

        return from_object(data, size, group_by, spec, progress, part)
    if is_address(data) or is_packed(data):
        from cutaway.data.remote.load import from_address

        def here(path: Path) -> tuple[ImageSet, bool]:
            _expect_columns(path, spec.label, data)
            return _read(path, size, group_by, spec, progress)

        return from_address(str(data), here, spec.label)
    path = Path(data).expanduser()
    if str(data) in SOURCES:
        return _load_named(SOURCES[str(data)], size, progress), False
    if path.is_dir():
        return _folder(path, size, group_by, spec, progress)
    if path.is_file() and path.suffix.lower() in ENDINGS:
        from cutaway.data.single_picture import one_picture

        return one_picture(path, size if isinstance(size, int) else None), False
    if path.is_file() and path.suffix.lower() in TABLES:
        from cutaway.data.siblings import unread_tables
        from cutaway.data.table import table

        images, by_column = table(path, size, group_by, spec, progress)
        return replace(images, findings=(*images.findings, *unread_tables(path))), by_column
    if path.is_file() and path.name.lower().endswith(ARCHIVES):
        return _archive(path, size, group_by, spec, progress)
    raise _unknown(str(data), path)


def _folder(
    path: Path, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Read a folder: pictures beside masks, a table for each part, or class folders."""
    from cutaway.data.masks import folder_with_masks, has_masks
    from cutaway.data.pieces import in_pieces, pieces_in
    from cutaway.data.siblings import tables_by_part, unread_tables

    if has_masks(path):
        return folder_with_masks(path, size, progress), False
    parts, findings = tables_by_part(path, spec)
    if not parts and (pieces := pieces_in(path)):
        return in_pieces(path, pieces, size, group_by, spec, progress)
    if not parts:
        images = folder(path, size, progress)
        return replace(images, findings=(*images.findings, *unread_tables(path))), False
    from cutaway.data.join_parts import join_parts
    from cutaway.data.table import table

    def read(path: Path, side: Size) -> tuple[ImageSet, bool]:
        return table(path, side, group_by, spec, progress)

    if len(parts) == 1:
        images, by_column = read(parts[0], size)
    else:
        images, by_column = join_parts(parts, size, read, named=True), False
    return replace(images, name=str(path), findings=(*images.findings, *findings)), by_column


def is_packed(data: str | PathLike[str]) -> bool:
    """Whether a folder here holds a packed set."""
    return Path(data, INDEX).is_file()


def _archive(
    path: Path, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Read an archive; messages name the archive and not the cache."""
    from cutaway.data.archive import extract
    from cutaway.data.pieces import in_pieces, tells_labels

    inner, damaged = extract(path)
    if tells_labels(inner):
        return in_pieces(path, [path], size, group_by, spec, progress)
    try:
        images, by_column = _read(inner, size, group_by, spec, progress)
    except CutawayError as error:
        raise type(error)(str(error).replace(str(inner), str(path))) from None
    return replace(images, name=str(path), findings=(*damaged, *images.findings)), by_column


def _load_named(source: Source, size: Size, progress: Progress | None) -> ImageSet:
    if source.name == "digits":
        from cutaway.data.named_sets import digits

        return digits()
    if source.generated:
        from cutaway.data.generated import make

        side = size if isinstance(size, int) else None
        return make(source.name, lambda: _load_named(SOURCES[source.of], None, progress), side)
    place = source.local
    if place is None:
        from cutaway.data.download import fetch

        place = fetch(source)
    if source.name == "mnist":
        from cutaway.data.idx import mnist

        return mnist(place)
    if source.name == "cifar10":
        from cutaway.data.cifar import cifar10

        return cifar10(place, progress)
    from cutaway.data.rocks import rocks

    return rocks(place, size, progress)


def _unknown(text: str, path: Path) -> UsageError:
    if path.is_file():
        name = path.name.lower()
        reason = next(
            (reason for endings, reason in EXPLANATIONS.items() if name.endswith(endings)), ""
        )
        return UsageError(
            f"{path} is {reason or 'neither a picture nor a table (CSV, TSV or Parquet)'}."
        )
    if "/" in text or "\\" in text or path.suffix:
        return UsageError(f"There is no folder or file {path}. Check the path.")
    return UsageError(f"There is no data set and no folder '{text}'.{nearest(text, SOURCES)}")


def _checked(images: ImageSet) -> ImageSet:
    classes = images.values is None and images.labels is None
    if classes and len(images.classes) < 2 and not images.whole:
        only = images.classes[0] if images.classes else "none"
        name = images.name or "The data"
        raise DataError(f"{name} holds one class only, '{only}'. There must be two or more.")
    if named_as_parts(images.classes):
        raise DataError(
            f"The classes of {images.name or 'the data'} are called {', '.join(images.classes)}: "
            "these are parts of a division, not classes. Name the folder or the column that "
            "holds the classes."
        )
    return images if images.name else replace(images, name="arrays")
