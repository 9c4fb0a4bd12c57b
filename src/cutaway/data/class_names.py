"""The classes of data, told before a picture of it is decoded."""

from os import PathLike
from pathlib import Path
from typing import Any

from cutaway.data.catalog import SOURCES
from cutaway.data.files import TABLES, folder_samples
from cutaway.data.imageset import ImageSet
from cutaway.data.masks import has_masks
from cutaway.data.named_sets import DIGITS
from cutaway.data.wanted import Wanted


def class_names(what: Any, label: str = "") -> tuple[str, ...] | None:
    """The classes of whatever `load` takes; None where only reading all of it tells them.

    Args:
        label: the column of a table that holds them.

    Raises:
        UsageError, DataError: what `load` would say of the folder or of the table.
    """
    if isinstance(what, ImageSet):
        return what.classes
    if not isinstance(what, str | PathLike):
        names = getattr(what, "classes", None)
        return tuple(map(str, names)) if isinstance(names, list | tuple) else None
    if str(what) in SOURCES:
        return _known(str(what))
    path = Path(what).expanduser()
    if path.is_dir() and not has_masks(path):
        from cutaway.data.siblings import by_part

        if tables := by_part(path, Wanted(label))[0]:
            return class_names(tables[0], label)
        return tuple(folder_samples(path)[1])
    if path.is_file() and path.suffix.lower() in TABLES:
        from cutaway.data.table import classes_of

        return tuple(classes_of(path, Wanted(label)))
    return None


def _known(name: str) -> tuple[str, ...] | None:
    """Those of the catalogue whose pictures take time to fetch or to decode."""
    from cutaway.data import cifar, rocks

    known = {"digits": DIGITS, "mnist": DIGITS, "cifar10": cifar.CLASSES, "rocks": rocks.CLASSES}
    return tuple(known[name]) if name in known else None
