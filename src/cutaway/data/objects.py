"""Images from objects in memory: arrays, data sets, data frames, and several of them as parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import IterableDataset

from cutaway.data.arrays import from_arrays
from cutaway.data.columns import IMAGE, LABEL, guess
from cutaway.data.division import PART_NAMES, part_of
from cutaway.data.frame import Frame, Size
from cutaway.data.given_parts import Read, joined, named_parts
from cutaway.data.image import is_array
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.items import from_items
from cutaway.data.pack import Progress
from cutaway.data.wanted import Wanted
from cutaway.errors import DataError, UsageError

TAKEN = (
    "arrays (images, targets), a data set that has a length and an index and gives "
    "(image, target), a data frame, or parts such as {'train': ..., 'test': ...}"
)
ARRAYS = {"image": [*IMAGE, "x", "data", "pixels"], "target": [*LABEL, "y"]}
PART = "|".join(PART_NAMES)


def from_object(
    what: Any, size: Size, group_by: str, wanted: Wanted, progress: Progress | None, read: Read
) -> tuple[ImageSet, bool]:
    """An image set, and whether a column has grouped it.

    Args:
        read: gives the images of one part, where there are several.

    Raises:
        UsageError: it is nothing that images can be taken from.
        DataError: its images or targets cannot be used.
    """
    if isinstance(what, Mapping):
        return _from_mapping(what, size, wanted, read)
    if _is_frame(what):
        from cutaway.data.frames import from_frame

        return from_frame(what, size, group_by, wanted, progress)
    if hasattr(what, "dataset") and hasattr(what, "batch_size"):
        images, by_column = read(what.dataset, size)
        return replace(images, findings=(*images.findings, _loader(what))), by_column
    if isinstance(what, tuple | list) and (
        found := _from_sequence(what, size, wanted, progress, read)
    ):
        return found, False
    _check_indexable(what)
    return from_items(what, size, group_by, wanted, progress)


def _from_mapping(
    what: Mapping[str, Any], size: Size, wanted: Wanted, read: Read
) -> tuple[ImageSet, bool]:
    """Parts by name, or arrays by name (`{"images": x, "labels": y}`, also of several parts)."""
    if any(part_of(key) >= 0 for key in what):
        return joined(named_parts(what), size, read, told=True), False
    divided: dict[str, dict[str, Any]] = {}
    for key in what:
        if found := re.search(rf"(?:^|_)({PART})(?:_|$)", str(key), re.I):
            rest = str(key).replace(found[0], "", 1) or str(key)
            divided.setdefault(found[1], {})[rest] = what[key]
    if divided:
        return joined(named_parts(divided), size, read, told=True), False
    images, target = guess(what, ARRAYS["image"]), wanted.label or guess(what, ARRAYS["target"])
    if images in what and target in what:
        return read((what[images], what[target]), size)
    raise UsageError(
        f"A mapping with {', '.join(map(repr, list(what)[:8])) or 'nothing in it'} is not taken: "
        "give parts ('train', 'val', 'test'), or arrays 'images' and 'labels'."
    )


def _from_sequence(
    what: Sequence[Any], size: Size, wanted: Wanted, progress: Progress | None, read: Read
) -> ImageSet | None:
    """A pair of images and targets, or two or three parts; nothing where it is a list of items."""
    if len(what) == 2 and is_array(what[0], 2) and hasattr(what[1], "__len__"):
        levels = size.levels if isinstance(size, Frame) else None
        return from_arrays(what[0], what[1], None, levels, wanted)
    if len(what) == 2 and _are_images(what[0]) and _are_targets(what[1]):
        if len(what[0]) != len(what[1]):
            raise DataError(f"There are {len(what[0])} images and {len(what[1])} targets.")
        return from_items(list(zip(*what, strict=True)), size, "", wanted, progress)[0]
    if isinstance(what, tuple) and len(what) > 2 and all(is_array(one) for one in what):
        raise UsageError(
            f"A tuple of {len(what)} arrays is not taken: give (images, targets), or by parts "
            "{'train': (images, targets), 'test': (images, targets)}."
        )
    some = isinstance(what, tuple) or not any(isinstance(one, tuple | list) for one in what)
    if some and len(what) in (2, 3) and all(map(_is_part, what)):
        return joined(dict(enumerate(what)), size, read, told=False)
    return None


def _are_images(value: Any) -> bool:
    """A list, or array of objects, of pictures of any size, or of their files."""
    return (
        isinstance(value, list | tuple | np.ndarray)
        and len(value) > 0
        and all(map(_is_image, value))
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, Image.Image | bytes | str | PathLike) or is_array(value, 2)


def _are_targets(value: Any) -> bool:
    """Names, numbers or rows, and no list of items."""
    if isinstance(value, str | Mapping) or not (hasattr(value, "__len__") and len(value)):
        return False
    return is_array(value) or not (isinstance(value[0], tuple | dict) or _are_images(value[:1]))


def _is_part(value: Any) -> bool:
    """Whether one of two or three things is a data set, and not an item of one."""
    if isinstance(value, tuple | list) and len(value) == 2:
        pair = is_array(value[0], 3) and is_array(value[1]) and len(value[0]) == len(value[1])
        return pair or all(isinstance(one, tuple | list | dict) for one in value)
    if isinstance(value, bytes | Image.Image | Mapping) or is_array(value):
        return False
    return isinstance(value, PathLike) or hasattr(value, "__len__")


def _is_frame(what: Any) -> bool:
    return hasattr(what, "columns") and hasattr(what, "to_dict") and hasattr(what, "shape")


def _loader(what: Any) -> Finding:
    said = (
        "Of the DataLoader its data set is taken, read once from the first item to the last: its "
        "batches, order and sampler are not used."
    )
    return Finding("data-loader", (), said)


def _check_indexable(what: Any) -> None:
    name = type(what).__name__
    endless = isinstance(what, Iterator | IterableDataset)
    if endless or (hasattr(what, "__iter__") and not hasattr(what, "__getitem__")):
        raise UsageError(
            f"A {name} gives its items one after another, and images are taken by their number: "
            "make a list of it, list(...), or a data set that has a length and an index."
        )
    if not (hasattr(what, "__len__") and hasattr(what, "__getitem__")):
        raise UsageError(f"Images cannot be taken from a {name}. What is taken: {TAKEN}.")
