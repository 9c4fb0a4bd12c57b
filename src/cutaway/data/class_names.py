"""The class names of data, read without decoding pictures."""

from os import PathLike
from pathlib import Path
from typing import Any

from cutaway.addresses import is_address
from cutaway.data.catalog import SOURCES
from cutaway.data.files import TABLES, folder_samples
from cutaway.data.imageset import ImageSet
from cutaway.data.masks import has_masks
from cutaway.data.named_sets import DIGITS
from cutaway.data.pieces import pieces_in
from cutaway.data.sources import is_packed
from cutaway.data.target_spec import TargetSpec


def class_names(data: Any, label: str = "", several: bool = False) -> tuple[str, ...] | None:
    """The classes of anything that `load` takes; None where only reading all of it tells them.

    Args:
        label: the column of a table that holds them.
        several: whether each image has several labels.

    Raises:
        UsageError, DataError: what `load` would say of the folder or of the table.
    """
    spec = TargetSpec(label, several=several)
    if isinstance(data, ImageSet):
        return data.classes
    if not isinstance(data, str | PathLike):
        names = getattr(data, "classes", None)
        return tuple(map(str, names)) if isinstance(names, list | tuple) else None
    if str(data) in SOURCES:
        return _known(str(data))
    path = Path(data).expanduser()
    if is_address(data) or is_packed(path) or (path.is_dir() and pieces_in(path)):
        return None
    if path.is_dir() and not has_masks(path):
        from cutaway.data.siblings import tables_by_part

        if tables := tables_by_part(path, spec)[0]:
            return class_names(tables[0], label, several)
        return tuple(folder_samples(path)[1])
    if path.is_file() and path.suffix.lower() in TABLES:
        from cutaway.data.table import classes_of

        return tuple(classes_of(path, spec))
    return None


def _known(name: str) -> tuple[str, ...] | None:
    """Classes of catalogue entries whose pictures take time to download or decode."""
    from cutaway.data import cifar, rocks

    known = {"digits": DIGITS, "mnist": DIGITS, "cifar10": cifar.CLASSES, "rocks": rocks.CLASSES}
    return tuple(known[name]) if name in known else None
