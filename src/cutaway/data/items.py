"""Image sets from data sets of (image, target): PyTorch's, Hugging Face's, lists of pairs."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from cutaway.data.arrays import stacked, with_targets
from cutaway.data.dataset import (
    classes_of,
    columns_of,
    lists_labels,
    namer,
    pair,
    rows_of,
    title_of,
)
from cutaway.data.division import of_rows
from cutaway.data.frame import Frame, Levels, Size
from cutaway.data.groups import numbered_keys
from cutaway.data.image import as_numpy, deep_finding, deep_values, is_array, pixels_of
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.levels import union
from cutaway.data.masks import framed_mask
from cutaway.data.pack import Progress
from cutaway.data.picture import Unreadable
from cutaway.data.plan import KEPT_UP_TO, SAMPLED, usual_side
from cutaway.data.target_spec import TargetSpec
from cutaway.data.targets import text_of
from cutaway.errors import DataError
from cutaway.randomness import global_streams_kept, reseed_global

RETRIES = 16  # readings anew, to see whether an item differs


class NoneReadable(DataError):
    """No image of a set can be read."""


@dataclass
class _Items:
    """The items that were read so far.

    Attributes:
        side: of the square that all are cut to; None for none.
        levels: of values of more than 8 bits; None where no image has such.
        columns: of image and label, where the items are rows with names.
    """

    side: Size
    levels: Levels | None
    columns: tuple[str, str] | None = None
    pixels: list[np.ndarray] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    bad: list[Finding] = field(default_factory=list)


def from_items(
    dataset: Any, size: Size, group_by: str, spec: TargetSpec, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Read every item once; and whether a column has grouped them.

    Images of one size up to 96 pixels keep it; others are cut to one square. Random transforms draw
    the same whenever a data set is read, so that a run that is resumed finds the same images.

    Raises:
        UsageError: the items are no pairs, or have no such column.
        DataError: no image can be read, or the targets are no classes.
    """
    dataset = rows_of(dataset)
    name = namer(dataset)
    levels = size.levels if isinstance(size, Frame) else None
    items = _Items(size, levels)
    if not _read(items, dataset, spec, group_by, name, progress):
        items = _Items(size, _range(dataset, items.columns))  # which is to be known first
        _read(items, dataset, spec, group_by, name, progress)
    listed = lists_labels(dataset, items.columns)
    images = with_targets(
        stacked(items.pixels), items.targets if listed else _stack_targets(items.targets),
        classes_of(dataset, items.columns),
        [name(index) for index in items.indices], items.bad, spec,
    )  # fmt: skip
    return _grouped(
        _divided(replace(images, levels=items.levels, name=title_of(dataset)), items), items
    )


def _read(
    items: _Items, dataset: Any, spec: TargetSpec, group_by: str, name: Callable[[int], str],
    progress: Progress | None,
) -> bool:  # fmt: skip
    """Read every item. False if one has more than 8 bits while no levels are known."""
    with _same_draws():
        items.columns = columns_of(dataset, spec)
        for index in range(len(dataset)):
            if not _add(items, dataset, index, group_by, name):
                return False
            if progress:
                progress(index + 1, len(dataset))
        if items.bad and not items.pixels:
            raise NoneReadable(
                f"None of the {len(items.bad)} images can be read. {items.bad[0].detail}"
            )
        items.bad += deep_finding(items.levels, len(items.indices))
        items.bad += _varying(dataset, items, name)
    return True


def _range(dataset: Any, columns: Any) -> Levels:
    """The range of values of all images of more than 8 bits."""
    with _same_draws():
        return union(_deep(dataset, columns, index) for index in range(len(dataset)))


def _deep(dataset: Any, columns: Any, index: int) -> Levels | None:
    with suppress(OSError, Unreadable):  # told when it is read
        return deep_values(pair(dataset[index], columns, index)[0], in_set=True)
    return None


def _divided(images: ImageSet, items: _Items) -> ImageSet:
    """The images in the parts that a column gives, where one does."""
    parts, findings = of_rows(items.rows, images.names) if items.rows else (None, [])
    return replace(images, parts=parts, findings=(*images.findings, *findings))


def _add(
    items: _Items, dataset: Any, index: int, group_by: str, name: Callable[[int], str]
) -> bool:
    """Read one item; one that cannot be opened is named and left out.

    Whether it could be: not where it has more than 8 bits, and no levels are known.
    """
    try:
        item = dataset[index]
        image, target = pair(item, items.columns, index)
        if not items.levels and deep_values(image):
            return False
        pixels = _pixels(image, items.side, items.levels, index)
    except (OSError, Unreadable) as error:  # a picture that cannot be opened costs that picture
        detail = (
            error.sentence if isinstance(error, Unreadable) else f"It cannot be read ({error})."
        )
        kind = error.kind if isinstance(error, Unreadable) else "unreadable"
        items.bad.append(Finding(kind, (name(index),), detail, True))
        return True
    usual = items.pixels[0].shape[:2] if items.pixels else pixels.shape[:2]
    if items.side is None and (pixels.shape[:2] != usual or max(usual) > KEPT_UP_TO):
        items.side = _usual_side(dataset, items.columns)
        items.pixels = [pixels_of(old, items.side) for old in items.pixels]  # bytes by now
        items.targets = [_cut(old, items.side) for old in items.targets]
        pixels = pixels_of(image, items.side, items.levels)
    items.pixels.append(pixels)
    items.targets.append(_cut(_target(target, image, name(index)), items.side))
    items.indices.append(index)
    if isinstance(item, dict) and items.columns:
        others = (*items.columns, group_by)
        items.rows[name(index)] = {k: v for k, v in item.items() if k not in others}
    if group_by and isinstance(item, dict) and group_by in item:
        items.keys[name(index)] = text_of(item[group_by]) or ""
    return True


def _usual_side(dataset: Any, columns: Any) -> int:
    """A side that suits some images, evenly chosen, as `pack` chooses it for files."""
    shorter = []
    for index in range(0, len(dataset), -(-len(dataset) // SAMPLED)):
        with suppress(OSError, Unreadable):  # told when it is read
            image = pair(dataset[index], columns, index)[0]
            shorter.append(min(pixels_of(image, None, (0.0, 1.0)).shape[:2]))
    return usual_side(shorter)


def _pixels(image: Any, side: Size, levels: Levels | None, index: int) -> np.ndarray:
    try:
        return pixels_of(image, side, levels)
    except DataError as error:
        raise DataError(f"Item {index} of the data cannot be used. {error}") from None


def _target(target: Any, image: Any, name: str) -> Any:
    """A target as plain values; a mask as an array h w."""
    if isinstance(target, Image.Image) or is_array(target, 2):
        mask = np.asarray(target) if isinstance(target, Image.Image) else as_numpy(target)
        mask = mask[0] if mask.ndim == 3 and len(mask) == 1 else mask
        if mask.shape != pixels_of(image, None, (0.0, 1.0)).shape[:2]:
            raise DataError(
                f"The target of {name} has the shape {mask.shape}, which is not that of its "
                "image: a mask has the image's height and width, and a class for each pixel."
            )
        return mask
    if is_array(target, 1) or isinstance(target, list | tuple):
        flat = list(target) if isinstance(target, list | tuple) else as_numpy(target).tolist()
        return flat[0] if len(flat) == 1 else flat
    return target.item() if hasattr(target, "item") else target


def _cut(target: Any, side: Size) -> Any:
    """A mask cropped as its image is; any other target as it is."""
    if side is None or not isinstance(target, np.ndarray):
        return target
    frame = side if isinstance(side, Frame) else Frame(1, (side, side))
    whole = frame.size is None or target.shape == frame.size
    return target if whole or frame.size is None else framed_mask(target, frame)


def _stack_targets(targets: list[Any]) -> Any:
    """Masks and rows as one array, else the list."""
    lists = [t for t in targets if isinstance(t, list | np.ndarray)]
    plain = len(lists) == len(targets) and len({np.shape(t) for t in lists}) == 1
    numbers = plain and bool(lists) and np.asarray(lists[0]).dtype.kind in "biuf"
    return np.asarray(targets) if numbers else targets


def _varying(dataset: Any, items: _Items, name: Callable[[int], str]) -> Iterator[Finding]:
    """A finding if items differ each time they are read, as with a random transform."""
    count = len(items.indices)
    for place in (n * count // RETRIES % count for n in range(RETRIES if count else 0)):
        index = items.indices[place]
        try:
            image = pair(dataset[index], items.columns, index)[0]
            second = pixels_of(image, items.side, items.levels)
        except (OSError, Unreadable):
            continue
        if not np.array_equal(second, items.pixels[place]):
            yield Finding(
                "varying",
                (name(index),),
                f"Item {index} differs each time it is read (a random transform?): the images are "
                "read once and kept as they were read, for training and for testing. Leave the "
                "random transform out, and give --augment (augment='flip+shift:2') for new "
                "variations in each epoch.",
            )
            return


@contextmanager
def _same_draws() -> Iterator[None]:
    """Seed the global random numbers alike, and restore them afterwards."""
    with global_streams_kept():
        random.seed(0)
        np.random.seed(0)
        reseed_global(0, "items")
        yield


def _grouped(images: ImageSet, items: _Items) -> tuple[ImageSet, bool]:
    """The images grouped by the keys of a column, where there are any."""
    if not items.keys:
        return images, False
    keys = [items.keys[name] for name in images.names]
    return replace(images, groups=numbered_keys(keys, images.names)), True
