"""Metadata of a data set of PyTorch or Hugging Face: columns, classes and names."""

from collections.abc import Callable
from os.path import relpath
from typing import Any

import numpy as np
from PIL import Image

from cutaway.data.columns import IMAGE, LABEL, MASK, guess, label_column
from cutaway.data.image import is_array
from cutaway.data.target_spec import TargetSpec
from cutaway.errors import DataError, UsageError


def columns_of(dataset: Any, spec: TargetSpec) -> tuple[str, str] | None:
    """The columns of image and label, where the items are rows with names; of several numbers
    or labels the names of their columns, by commas.

    Raises UsageError where there are no such, or several.
    """
    row = first(dataset)
    if not isinstance(row, dict):
        return None
    of, names = "The data set", list(row)
    pictures = [column for column in names if is_picture(row[column])]
    image = guess(pictures or names, IMAGE) or (pictures[0] if len(pictures) == 1 else "")
    if not image:
        raise UsageError(
            f"The data set has no column that is known to hold pictures: {', '.join(names)}. Call "
            "it 'image'."
        )
    if len(named := spec.columns(names)) > 1:
        return image, ",".join(label_column(of, names, name, exclude=image) for name in named)
    masks = "" if spec.label or guess(names, LABEL) else guess(names, MASK)
    return image, masks or label_column(of, names, spec.label, exclude=image)


def first(dataset: Any) -> Any:
    """The first item that can be read, or nothing."""
    for index in range(len(dataset)):
        try:
            return dataset[index]
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
        picture = np.asarray(item[image]) if isinstance(item[image], list) else item[image]
        return picture, [item[name] for name in target.split(",")] if many else item[target]
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    kinds = [type(part).__name__ for part in item] if isinstance(item, tuple | list) else []
    holds = f" with {len(kinds)} parts ({', '.join(kinds[:5])})" if kinds else ""
    raise UsageError(
        f"Each item of a data set must be (image, target); item {index} is of type "
        f"{type(item).__name__}{holds}."
    )


def classes_of(dataset: Any, columns: tuple[str, str] | None) -> list[str] | None:
    """The names that the data set itself gives, also below a `Subset` or a `ConcatDataset`."""
    if hasattr(dataset, "classes"):
        names = dataset.classes
    elif hasattr(dataset, "datasets"):
        each = [classes_of(one, columns) for one in dataset.datasets]
        if any(names != each[0] for names in each):
            raise DataError("The data sets that are joined name different classes.")
        names = each[0] if each else None
    elif hasattr(dataset, "dataset"):
        return classes_of(dataset.dataset, columns)
    else:
        features = getattr(dataset, "features", None)
        column = features.get(columns[1]) if isinstance(features, dict) and columns else None
        names = getattr(getattr(column, "feature", column), "names", None)  # also of lists
    return [str(name) for name in names] if isinstance(names, list | tuple) else None


def rows_of(dataset: Any) -> Any:
    """The data set; one of Hugging Face that gives tables gives rows of Python's kinds instead."""
    given = getattr(dataset, "format", None)
    tables = isinstance(given, dict) and given.get("type") in ("arrow", "pandas", "polars")
    return dataset.with_format(None) if tables else dataset


def lists_labels(dataset: Any, columns: tuple[str, str] | None) -> bool:
    """Whether a data set of Hugging Face says that a row has a list of labels, by their numbers."""
    features = getattr(dataset, "features", None)
    column = features.get(columns[1]) if isinstance(features, dict) and columns else None
    return hasattr(getattr(column, "feature", None), "names")


def title_of(dataset: Any) -> str:
    """What a data set of Hugging Face is called; nothing where it does not say so."""
    return str(getattr(getattr(dataset, "info", None), "dataset_name", "") or "")


def namer(dataset: Any) -> Callable[[int], str]:
    """Names from the paths that a folder data set keeps, for `group_by`; else numbers."""
    if hasattr(dataset, "dataset") and hasattr(dataset, "indices"):
        inner, indices = namer(dataset.dataset), dataset.indices
        return lambda i: inner(int(indices[i]))
    root, samples = getattr(dataset, "root", None), getattr(dataset, "samples", None)
    if root and isinstance(samples, list) and len(samples) == len(dataset):
        return lambda i: relpath(samples[i][0], root).replace("\\", "/")
    return lambda i: f"item/{i}"
