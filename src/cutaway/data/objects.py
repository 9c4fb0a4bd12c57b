"""Images from objects in memory: arrays, data sets, data frames, and several of them as parts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from cutaway.data.arrays import from_arrays
from cutaway.data.columns import IMAGE, LABEL, guess
from cutaway.data.division import PART_NAMES, part_of
from cutaway.data.endless import as_stream, from_stream
from cutaway.data.frame import Frame, Size
from cutaway.data.image import is_array
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.items import from_items
from cutaway.data.join_parts import Read, join_parts, parts_by_name
from cutaway.data.pack import Progress
from cutaway.data.target_spec import TargetSpec
from cutaway.errors import DataError, UsageError

ACCEPTED = (
    "arrays (images, targets), a data set that has a length and an index and gives "
    "(image, target), a data frame, a function that gives such items one after another, or parts "
    "such as {'train': ..., 'test': ...}"
)
ARRAYS = {"image": [*IMAGE, "x", "data", "pixels"], "target": [*LABEL, "y"]}
PART = "|".join(PART_NAMES)


def from_object(
    data: Any, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None, read: Read
) -> tuple[ImageSet, bool]:
    """Read an object as an image set; and whether a column has grouped it.

    Args:
        read: gives the images of one part, where there are several.

    Raises:
        UsageError: it is nothing that images can be taken from.
        DataError: its images or targets cannot be used.
    """
    if isinstance(data, Mapping):
        return _from_mapping(data, size, spec, read)
    if _is_frame(data):
        from cutaway.data.frames import from_frame

        return from_frame(data, size, group_by, spec, progress)
    if hasattr(data, "dataset") and hasattr(data, "batch_size"):
        images, by_column = read(data.dataset, size)
        return replace(images, findings=(*images.findings, _loader(data))), by_column
    if isinstance(data, tuple | list) and (
        image_set := _from_sequence(data, size, spec, progress, read)
    ):
        return image_set, False
    if stream := as_stream(data):
        return from_stream(stream, size, spec, progress), False
    _check_indexable(data)
    return from_items(data, size, group_by, spec, progress)


def _from_mapping(
    data: Mapping[str, Any], size: Size, spec: TargetSpec, read: Read
) -> tuple[ImageSet, bool]:
    """Parts by name, or arrays by name (`{"images": x, "labels": y}`, also of several parts)."""
    if any(part_of(key) >= 0 for key in data):
        return join_parts(parts_by_name(data), size, read, named=True), False
    divided: dict[str, dict[str, Any]] = {}
    for key in data:
        if match := re.search(rf"(?:^|_)({PART})(?:_|$)", str(key), re.I):
            rest = str(key).replace(match[0], "", 1) or str(key)
            divided.setdefault(match[1], {})[rest] = data[key]
    if divided:
        return join_parts(parts_by_name(divided), size, read, named=True), False
    images, target = guess(data, ARRAYS["image"]), spec.label or guess(data, ARRAYS["target"])
    if images in data and target in data:
        return read((data[images], data[target]), size)
    raise UsageError(
        f"A mapping with {', '.join(map(repr, list(data)[:8])) or 'nothing in it'} is not taken: "
        "give parts ('train', 'val', 'test'), or arrays 'images' and 'labels'."
    )


def _from_sequence(
    data: Sequence[Any], size: Size, spec: TargetSpec, progress: Progress | None, read: Read
) -> ImageSet | None:
    """A pair of images and targets, or two or three parts; None where it is a list of items."""
    if len(data) == 2 and is_array(data[0], 2) and hasattr(data[1], "__len__"):
        levels = size.levels if isinstance(size, Frame) else None
        return from_arrays(data[0], data[1], None, levels, spec)
    if len(data) == 2 and _are_images(data[0]) and _are_targets(data[1]):
        if len(data[0]) != len(data[1]):
            raise DataError(f"There are {len(data[0])} images and {len(data[1])} targets.")
        return from_items(list(zip(*data, strict=True)), size, "", spec, progress)[0]
    if isinstance(data, tuple) and len(data) > 2 and all(is_array(one) for one in data):
        raise UsageError(
            f"A tuple of {len(data)} arrays is not taken: give (images, targets), or by parts "
            "{'train': (images, targets), 'test': (images, targets)}."
        )
    some = isinstance(data, tuple) or not any(isinstance(one, tuple | list) for one in data)
    if some and len(data) in (2, 3) and all(map(_is_part, data)):
        return join_parts(dict(enumerate(data)), size, read, named=False)
    return None


def _are_images(value: Any) -> bool:
    """Whether it is a list, or array of objects, of pictures of any size, or of their files."""
    return (
        isinstance(value, Sequence | np.ndarray)
        and not isinstance(value, str | bytes)
        and len(value) > 0
        and all(map(_is_image, value))
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, Image.Image | bytes | str | PathLike) or is_array(value, 2)


def _are_targets(value: Any) -> bool:
    """Whether it is names, numbers or rows, and no list of items."""
    if isinstance(value, str | Mapping) or not (hasattr(value, "__len__") and len(value)):
        return False
    pictures = _are_images(value[:1]) and not isinstance(value[0], str)
    return is_array(value) or not (isinstance(value[0], tuple | dict) or pictures)


def _is_part(value: Any) -> bool:
    """Whether one of two or three things is a data set, and not an item of one."""
    if isinstance(value, tuple | list) and len(value) == 2:
        pair = is_array(value[0], 3) and is_array(value[1]) and len(value[0]) == len(value[1])
        return pair or all(isinstance(one, tuple | list | dict) for one in value)
    if isinstance(value, bytes | Image.Image | Mapping) or is_array(value):
        return False
    return isinstance(value, PathLike) or hasattr(value, "__len__")


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "to_dict") and hasattr(data, "shape")


def _loader(data: Any) -> Finding:
    detail = (
        "Of the DataLoader its data set is taken, read once from the first item to the last: its "
        "batches, order and sampler are not used."
    )
    return Finding("data-loader", (), detail)


def _check_indexable(data: Any) -> None:
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        name = type(data).__name__
        raise UsageError(f"Images cannot be taken from a {name}. What is taken: {ACCEPTED}.")
