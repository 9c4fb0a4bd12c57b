"""What a data set of PyTorch or Hugging Face tells of itself: its columns, classes and names."""

from collections.abc import Callable
from os.path import relpath
from typing import Any

from PIL import Image

from cutaway.data.columns import IMAGE, LABEL, MASK, chosen, guess
from cutaway.data.image import is_array
from cutaway.data.wanted import Wanted
from cutaway.errors import DataError, UsageError


def columns_of(what: Any, wanted: Wanted) -> tuple[str, str] | None:
    """The columns of image and label, where the items are rows with names; of several numbers the
    names of their columns, by commas.

    Raises UsageError where there are no such, or several.
    """
    row = first(what)
    if not isinstance(row, dict):
        return None
    of, names = "The data set", list(row)
    held = [column for column in names if is_picture(row[column])]
    image = guess(held or names, IMAGE) or (held[0] if len(held) == 1 else "")
    if not image:
        raise UsageError(
            f"The data set has no column that is known to hold pictures: {', '.join(names)}. Call "
            "it 'image'."
        )
    if wanted.numbers and wanted.columns:
        return image, ",".join(chosen(of, names, name, but=image) for name in wanted.columns)
    masks = "" if wanted.label or guess(names, LABEL) else guess(names, MASK)
    return image, masks or chosen(of, names, wanted.label, but=image)


def first(what: Any) -> Any:
    """The first item that can be read, or nothing."""
    for index in range(len(what)):
        try:
            return what[index]
        except OSError:
            continue
    return None


def is_picture(value: Any) -> bool:
    """Whether a cell of a row holds a picture: of PIL, an array, or the content of a file."""
    encoded = isinstance(value, dict) and bool(value.keys() & {"bytes", "path"})
    return encoded or isinstance(value, Image.Image | bytes) or is_array(value, 2)


def pair(item: Any, columns: tuple[str, str] | None, index: int) -> tuple[Any, Any]:
    if columns and isinstance(item, dict):
        image, target = columns
        many = target not in item
        return item[image], [item[name] for name in target.split(",")] if many else item[target]
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    kinds = [type(part).__name__ for part in item] if isinstance(item, tuple | list) else []
    found = f"{type(item).__name__} of {len(kinds)} ({', '.join(kinds[:5])})" if kinds else ""
    raise UsageError(
        f"Each item of a data set must be (image, target); item {index} is a "
        f"{found or type(item).__name__}."
    )


def classes_of(what: Any, columns: tuple[str, str] | None) -> list[str] | None:
    """The names that the data set itself gives, also below a `Subset` or a `ConcatDataset`."""
    if hasattr(what, "classes"):
        names = what.classes
    elif hasattr(what, "datasets"):
        each = [classes_of(one, columns) for one in what.datasets]
        if any(names != each[0] for names in each):
            raise DataError("The data sets that are joined name different classes.")
        names = each[0] if each else None
    elif hasattr(what, "dataset"):
        return classes_of(what.dataset, columns)
    else:
        features = getattr(what, "features", None)
        column = features.get(columns[1]) if isinstance(features, dict) and columns else None
        names = getattr(column, "names", None)
    return [str(name) for name in names] if isinstance(names, list | tuple) else None


def namer(what: Any) -> Callable[[int], str]:
    """Names from the paths that a folder data set keeps, for `group_by`; else numbers."""
    if hasattr(what, "dataset") and hasattr(what, "indices"):
        inner, indices = namer(what.dataset), what.indices
        return lambda i: inner(int(indices[i]))
    root, samples = getattr(what, "root", None), getattr(what, "samples", None)
    if root and isinstance(samples, list) and len(samples) == len(what):
        return lambda i: relpath(samples[i][0], root).replace("\\", "/")
    return lambda i: f"item/{i}"
