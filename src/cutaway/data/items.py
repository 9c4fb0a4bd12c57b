"""Image sets from data sets of (image, target): PyTorch's, Hugging Face's, lists of pairs."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from cutaway.data.arrays import stacked, with_targets
from cutaway.data.dataset import classes_of, columns_of, namer, pair
from cutaway.data.division import of_rows
from cutaway.data.frame import Frame, Levels, Size
from cutaway.data.groups import numbered_keys
from cutaway.data.image import as_numpy, deep_values, deeper, is_array, pixels_of
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.levels import union
from cutaway.data.masks import framed_mask
from cutaway.data.pack import Progress
from cutaway.data.picture import Unreadable
from cutaway.data.plan import KEEP, LOOKED_AT, usual_side
from cutaway.data.targets import text_of
from cutaway.data.wanted import Wanted
from cutaway.errors import DataError
from cutaway.randomness import reseed_global

TRIED = 16  # readings anew, to see whether an item differs


@dataclass
class _Read:
    """What was read so far.

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
    kept: list[int] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    bad: list[Finding] = field(default_factory=list)


def from_items(
    what: Any, size: Size, group_by: str, wanted: Wanted, progress: Progress | None
) -> tuple[ImageSet, bool]:
    """Every item once, and whether a column has grouped them.

    Images of one size up to 96 pixels keep it; others are cut to one square. Random transforms draw
    the same whenever a data set is read, so that a run that is resumed finds the same images.

    Raises:
        UsageError: the items are no pairs, or have no such column.
        DataError: no image can be read, or the targets are no classes.
    """
    name = namer(what)
    levels = size.levels if isinstance(size, Frame) else None
    found = _Read(size, levels)
    if not _read(found, what, wanted, group_by, name, progress):
        found = _Read(size, _range(what, found.columns))  # which is to be known first
        _read(found, what, wanted, group_by, name, progress)
    images = with_targets(
        stacked(found.pixels), _together(found.targets), classes_of(what, found.columns),
        [name(index) for index in found.kept], found.bad, wanted,
    )  # fmt: skip
    return _grouped(_divided(replace(images, levels=found.levels), found), found)


def _read(
    found: _Read, what: Any, wanted: Wanted, group_by: str, name: Callable[[int], str],
    progress: Progress | None,
) -> bool:  # fmt: skip
    """Read every item; whether all could be: not where one has more than 8 bits, and no levels are
    known."""
    with _same_draws():
        found.columns = columns_of(what, wanted)
        for index in range(len(what)):
            if not _add(found, what, index, group_by, name):
                return False
            if progress:
                progress(index + 1, len(what))
        if found.bad and not found.pixels:
            raise DataError(
                f"None of the {len(found.bad)} images can be read. {found.bad[0].detail}"
            )
        found.bad += deeper(found.levels, len(found.kept))
        found.bad += _varying(what, found, name)
    return True


def _range(what: Any, columns: Any) -> Levels:
    """That of all images of more than 8 bits."""
    with _same_draws():
        return union(_deep(what, columns, index) for index in range(len(what)))


def _deep(what: Any, columns: Any, index: int) -> Levels | None:
    with suppress(OSError, Unreadable):  # told when it is read
        return deep_values(pair(what[index], columns, index)[0], among=True)
    return None


def _divided(images: ImageSet, found: _Read) -> ImageSet:
    """In the parts that a column gives, where one does."""
    parts, noticed = of_rows(found.rows, images.names) if found.rows else (None, [])
    return replace(images, parts=parts, findings=(*images.findings, *noticed))


def _add(found: _Read, what: Any, index: int, group_by: str, name: Callable[[int], str]) -> bool:
    """Read one item; what cannot be opened is named and left out.

    Whether it could be: not where it has more than 8 bits, and no levels are known.
    """
    try:
        item = what[index]
        image, target = pair(item, found.columns, index)
        if not found.levels and deep_values(image):
            return False
        pixels = _pixels(image, found.side, found.levels, index)
    except (OSError, Unreadable) as error:  # a picture that cannot be opened costs that picture
        said = error.sentence if isinstance(error, Unreadable) else f"It cannot be read ({error})."
        kind = error.kind if isinstance(error, Unreadable) else "unreadable"
        found.bad.append(Finding(kind, (name(index),), said, True))
        return True
    usual = found.pixels[0].shape[:2] if found.pixels else pixels.shape[:2]
    if found.side is None and (pixels.shape[:2] != usual or max(usual) > KEEP):
        found.side = _usual_side(what, found.columns)
        found.pixels = [pixels_of(old, found.side) for old in found.pixels]  # bytes by now
        found.targets = [_cut(old, found.side) for old in found.targets]
        pixels = pixels_of(image, found.side, found.levels)
    found.pixels.append(pixels)
    found.targets.append(_cut(_target(target, image, name(index)), found.side))
    found.kept.append(index)
    if isinstance(item, dict) and found.columns:
        others = (*found.columns, group_by)
        found.rows[name(index)] = {k: v for k, v in item.items() if k not in others}
    if group_by and isinstance(item, dict) and group_by in item:
        found.keys[name(index)] = text_of(item[group_by]) or ""
    return True


def _usual_side(what: Any, columns: Any) -> int:
    """What suits some images, evenly chosen, as `pack` chooses it for files."""
    shorter = []
    for index in range(0, len(what), -(-len(what) // LOOKED_AT)):
        with suppress(OSError, Unreadable):  # told when it is read
            image = pair(what[index], columns, index)[0]
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
    """A mask cut as its image is; any other target as it is."""
    if side is None or not isinstance(target, np.ndarray):
        return target
    frame = side if isinstance(side, Frame) else Frame(1, (side, side))
    whole = frame.size is None or target.shape == frame.size
    return target if whole or frame.size is None else framed_mask(target, frame)


def _together(targets: list[Any]) -> Any:
    """Masks and rows as one array, else the list."""
    lists = [t for t in targets if isinstance(t, list | np.ndarray)]
    plain = len(lists) == len(targets) and len({np.shape(t) for t in lists}) == 1
    numbers = plain and bool(lists) and np.asarray(lists[0]).dtype.kind in "biuf"
    return np.asarray(targets) if numbers else targets


def _varying(what: Any, found: _Read, name: Callable[[int], str]) -> Iterator[Finding]:
    """Whether items differ each time they are read, as with a random transform."""
    count = len(found.kept)
    for place in (n * count // TRIED % count for n in range(TRIED if count else 0)):
        index = found.kept[place]
        try:
            image = pair(what[index], found.columns, index)[0]
            again = pixels_of(image, found.side, found.levels)
        except (OSError, Unreadable):
            continue
        if not np.array_equal(again, found.pixels[place]):
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
    """Global random numbers from a beginning that is always the same, put back afterwards."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(0)
    np.random.seed(0)
    reseed_global(0, "items")
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _grouped(images: ImageSet, found: _Read) -> tuple[ImageSet, bool]:
    """By the keys of a column, where there are any."""
    if not found.keys:
        return images, False
    keys = [found.keys[name] for name in images.names]
    return replace(images, groups=numbered_keys(keys, images.names)), True
