"""`load`: whatever holds labelled pictures, as an image set."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from cutaway.data.catalog import SOURCES, Source
from cutaway.data.division import named_as_parts
from cutaway.data.files import ENDINGS, TABLES, folder
from cutaway.data.frame import Size
from cutaway.data.groups import grouped
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress
from cutaway.data.wanted import Wanted
from cutaway.errors import CutawayError, DataError, UsageError, nearest

__all__ = ["SOURCES", "Source", "load"]

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# What is no source, and how to make one of it.
INSTEAD = {
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
    what: Any,
    *,
    image_size: Size = None,
    group_by: str = "",
    label: str = "",
    numbers: bool = False,
    progress: Progress | None = None,
) -> ImageSet:
    """The images of `what`, decoded once and mapped from the cache afterwards.

    Args:
        what: a name of the catalogue (`SOURCES`: `digits`, `mnist`, `xor`, `scenes`, ...); a folder
            `root/class/*` or `root/{train,val,test}/class/*`; a folder `root/images/*` beside
            `root/masks/*`, also below parts (see `masks`); a CSV or Parquet file with pictures
            (paths or bytes) and labels; a ZIP or TAR archive of such; one picture file, to be
            fitted; `(images, targets)` arrays; an image set; a data frame; anything indexable of
            `(image, target)` or of rows with columns; or parts of all these,
            `{"train": ..., "test": ...}` or `(train, val)`.
        image_size: side in pixels; None chooses (see `pack`). Of a single picture the longer side.
            Or a `Frame`, which all is brought to.
        group_by: what must never part: a regular expression on the image's name (its first group
            counts, or the whole match), `level:N` for the N-th folder of its path (from 1, or from
            the end with -1), or a column of the table.
        label: the column of the table (or of rows) that holds the labels, where it is not the
            obvious one.
        numbers: whether numbers are to be predicted and no classes told; of several columns
            `label` has the names, `price,age`.
        progress: called with the number of images decoded so far and in all.

    Raises:
        UsageError: there is no such data set, file, column or group.
        DataError: the data cannot be used, read, downloaded or cached.
    """
    if isinstance(image_size, int) and image_size < 1:
        raise UsageError(f"An image size of {image_size} pixels makes no sense.")
    images, by_column = _read(what, image_size, group_by, Wanted(label, numbers), progress)
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


def _read(
    what: Any, size: Size, group_by: str, wanted: Wanted, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """The image set, and whether a column has grouped it."""
    if isinstance(what, ImageSet):
        return what, False
    if not isinstance(what, str | PathLike):
        from cutaway.data.objects import from_object

        def part(one: Any, side: Size) -> tuple[ImageSet, bool]:
            return _read(one, side, group_by, wanted, progress)

        return from_object(what, size, group_by, wanted, progress, part)
    path = Path(what).expanduser()
    if str(what) in SOURCES:
        return _named(SOURCES[str(what)], size, progress), False
    if path.is_dir():
        return _folder(path, size, group_by, wanted, progress)
    if path.is_file() and path.suffix.lower() in ENDINGS:
        from cutaway.data.single_picture import one_picture

        return one_picture(path, size if isinstance(size, int) else None), False
    if path.is_file() and path.suffix.lower() in TABLES:
        from cutaway.data.siblings import beside
        from cutaway.data.table import table

        images, by_column = table(path, size, group_by, wanted, progress)
        return replace(images, findings=(*images.findings, *beside(path))), by_column
    if path.is_file() and path.name.lower().endswith(ARCHIVES):
        return _archive(path, size, group_by, wanted, progress)
    raise _unknown(str(what), path)


def _folder(
    path: Path, size: Size, group_by: str, wanted: Wanted, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Pictures beside masks, a table for each part, or class folders."""
    from cutaway.data.masks import has_masks, masked
    from cutaway.data.siblings import beside, by_part

    if has_masks(path):
        return masked(path, size, progress), False
    parts, told = by_part(path, wanted)
    if not parts:
        images = folder(path, size, progress)
        return replace(images, findings=(*images.findings, *beside(path))), False
    from cutaway.data.given_parts import joined
    from cutaway.data.table import table

    def read(one: Path, side: Size) -> tuple[ImageSet, bool]:
        return table(one, side, group_by, wanted, progress)

    if len(parts) == 1:
        images, by_column = read(parts[0], size)
    else:
        images, by_column = joined(parts, size, read, told=True), False
    return replace(images, name=str(path), findings=(*images.findings, *told)), by_column


def _archive(
    path: Path, size: Size, group_by: str, wanted: Wanted, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """What an archive holds; messages name the archive and not the cache."""
    from cutaway.data.archive import unpacked

    inner, damaged = unpacked(path)
    try:
        images, by_column = _read(inner, size, group_by, wanted, progress)
    except CutawayError as error:
        raise type(error)(str(error).replace(str(inner), str(path))) from None
    return replace(images, name=str(path), findings=(*damaged, *images.findings)), by_column


def _named(source: Source, size: Size, progress: Progress | None) -> ImageSet:
    if source.name == "digits":
        from cutaway.data.named_sets import digits

        return digits()
    if source.made:
        from cutaway.data.made import make

        side = size if isinstance(size, int) else None
        return make(source.name, lambda: _named(SOURCES[source.of], None, progress), side)
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


def _unknown(what: str, path: Path) -> UsageError:
    if path.is_file():
        name = path.name.lower()
        said = next((said for endings, said in INSTEAD.items() if name.endswith(endings)), "")
        return UsageError(
            f"{path} is {said or 'neither a picture nor a table (CSV, TSV or Parquet)'}."
        )
    if "/" in what or "\\" in what or path.suffix:
        return UsageError(f"There is no folder or file {path}. Check the path.")
    return UsageError(f"There is no data set and no folder '{what}'.{nearest(what, SOURCES)}")


def _checked(images: ImageSet) -> ImageSet:
    if images.values is None and len(images.classes) < 2 and not images.whole:
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
