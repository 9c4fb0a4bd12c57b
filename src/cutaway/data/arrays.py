"""Image sets from what is already in memory: arrays, and data sets of (image, target)."""

from collections.abc import Callable, Iterator, Sequence
from os.path import relpath
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from cutaway.data.files import natural
from cutaway.data.imageset import Finding, ImageSet, Numbered
from cutaway.data.pack import KEEP, USUAL, Progress
from cutaway.data.picture import as_shown, is_grey
from cutaway.data.table import IMAGE, LABEL, guess
from cutaway.errors import DataError, UsageError

Pixels = UInt8[np.ndarray, "h w c"]


def from_object(what: Any, size: int | None, progress: Progress | None) -> ImageSet:
    """`(images, targets)` arrays, or anything with a length and an index, as an image set.

    Raises:
        UsageError: it is neither.
        DataError: its images or targets cannot be used.
    """
    if isinstance(what, tuple | list) and len(what) == 2 and _is_array(what[0]):
        images = torch.from_numpy(_batch(what[0]))
        return _set(images, _flat_list(what[1]), _classes_of(what), Numbered("arrays", len(images)))
    if not (hasattr(what, "__len__") and hasattr(what, "__getitem__")):
        raise UsageError(
            f"Images cannot be taken from a {type(what).__name__}: it needs a length and an index, "
            "and gives (image, target)."
        )
    return _from_dataset(what, size, progress)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | torch.Tensor) and value.ndim >= 2


def _numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _batch(value: Any) -> UInt8[np.ndarray, "n h w c"]:
    """Images n h w, n h w c or n c h w as bytes, channels last."""
    images = _numpy(value)
    if images.ndim == 3:
        images = images[..., None]
    elif images.ndim == 4:
        images = _channels_last(images, isinstance(value, torch.Tensor))
    else:
        raise DataError(f"Images have the shape n h w, n h w c or n c h w, not {images.shape}.")
    return np.ascontiguousarray(_bytes(images))


def _channels_last(images: np.ndarray, torch_like: bool) -> np.ndarray:
    """Where both ends could be channels, a tensor has them first and an array last."""
    first, last = images.shape[-3] in (1, 3), images.shape[-1] in (1, 3)
    if not (first or last):
        raise DataError(f"Images have 1 or 3 channels; the shape {images.shape} has neither.")
    return np.moveaxis(images, -3, -1) if first and (torch_like or not last) else images


def _bytes(images: np.ndarray) -> np.ndarray:
    """Numbers as grey levels 0..255: floats are fractions, integers are levels already."""
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8, copy=False)
    low, high = images.min(), images.max()
    if images.dtype == bool:
        return images.astype(np.uint8) * 255
    top, kind = (1, "Floats") if images.dtype.kind == "f" else (255, "Integers")
    if images.dtype.kind not in "fiu" or not (low >= 0 and high <= top):
        raise DataError(
            f"Images hold {images.dtype} values from {low} to {high}. {kind} must lie in 0..{top}: "
            "leave out any normalisation, or convert to uint8."
        )
    return np.rint(images * (255 / top)).astype(np.uint8)


def _flat_list(targets: Any) -> list[Any]:
    values = _numpy(targets)
    if values.ndim != 1:
        raise DataError(f"Targets are one number or name for each image, not {values.shape}.")
    return values.tolist()


def _classes_of(what: Any) -> list[str] | None:
    """The names that the data set itself gives, also below a `Subset`."""
    while not hasattr(what, "classes") and hasattr(what, "dataset"):
        what = what.dataset
    names = getattr(what, "classes", None)
    if names is None:
        features = getattr(what, "features", None)
        column = guess(features, LABEL) if isinstance(features, dict) else ""
        names = getattr(features[column], "names", None) if features and column else None
    return [str(name) for name in names] if isinstance(names, list | tuple) else None


def _set(
    images: torch.Tensor,
    targets: Sequence[Any],
    known: list[str] | None,
    names: Sequence[str],
    findings: tuple[Finding, ...] = (),
) -> ImageSet:
    if not len(images):
        raise DataError("There is no image in the data.")
    if len(targets) != len(images):
        raise DataError(f"There are {len(images)} images and {len(targets)} targets.")
    numbers, classes = _numbered(targets, known)
    return ImageSet(images, torch.tensor(numbers), tuple(classes), names, findings=findings)


def _numbered(targets: Sequence[Any], known: list[str] | None) -> tuple[list[int], list[str]]:
    """Class numbers from numbers (indices into known names) or from names."""
    if any(isinstance(target, float) and target != int(target) for target in targets):
        raise DataError("Targets are classes: whole numbers or names, not fractions.")
    texts = [target if isinstance(target, str) else str(int(target)) for target in targets]
    if known and not isinstance(targets[0], str):
        wrong = [text for text in texts if not 0 <= int(text) < len(known)]
        if wrong:
            raise DataError(f"Target {wrong[0]} has no name among the {len(known)} classes.")
        return [int(text) for text in texts], known
    classes = known or sorted(set(texts), key=natural)
    number = {name: i for i, name in enumerate(classes)}
    if unknown := sorted(set(texts) - set(number)):
        raise DataError(f"Target '{unknown[0]}' is not among the {len(classes)} classes.")
    return [number[text] for text in texts], classes


def _from_dataset(what: Any, size: int | None, progress: Progress | None) -> ImageSet:
    """Every item once. Images of one size up to 96 pixels keep it; others are cut to one square."""
    side = size
    pixels: list[np.ndarray] = []
    bad: list[Finding] = []
    targets, kept = [], []
    for index, item in _items(what, bad):
        image, target = _pair(item)
        found = _pixels(image, side)
        first = pixels[0].shape[:2] if pixels else found.shape[:2]
        if side is None and (found.shape[:2] != first or max(first) > KEEP):
            side = USUAL
            pixels = [_pixels(old, side) for old in pixels]
            found = _pixels(image, side)
        pixels.append(found)
        targets.append(target.item() if hasattr(target, "item") else target)
        kept.append(index)
        if progress:
            progress(index + 1, len(what))
    if bad and not pixels:
        raise DataError(f"None of the {len(bad)} images can be read. {bad[0].detail}")
    name = _namer(what)
    names = [name(index) for index in kept]
    return _set(_stack(pixels), targets, _classes_of(what), names, tuple(bad))


def _items(what: Any, bad: list[Finding]) -> Iterator[tuple[int, Any]]:
    for index in range(len(what)):
        try:
            item = what[index]
        except OSError as error:  # a picture that its data set cannot open
            said = f"The data set cannot read it ({error})."
            bad.append(Finding("unreadable", (_namer(what)(index),), said, True))
            continue
        yield index, item


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, dict):
        image, target = guess(item, IMAGE), guess(item, LABEL)
        if image and target:
            return item[image], item[target]
    elif isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    raise UsageError("Each item of a data set must be (image, target).")


def _pixels(image: Any, side: int | None) -> Pixels:
    """An image of PIL, NumPy or torch as bytes h w c, cut to a square where `side` is given."""
    if not isinstance(image, Image.Image):
        array = _numpy(image)
        array = _channels_last(array, isinstance(image, torch.Tensor)) if array.ndim == 3 else array
        array = _bytes(array)
        if side is None:
            return array[..., None] if array.ndim == 2 else array
        image = Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array)
    shown = as_shown(image, side, 1 if is_grey(image) else 3, [])
    array = np.array(shown)
    return array[..., None] if array.ndim == 2 else array


def _stack(pixels: list[np.ndarray]) -> torch.Tensor:
    """One tensor; grey images among colour ones get three equal channels."""
    channels = max((image.shape[-1] for image in pixels), default=1)
    full = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in pixels]
    return torch.from_numpy(np.stack(full)) if full else torch.empty(0)


def _namer(what: Any) -> Callable[[int], str]:
    """Names from the paths that a folder data set keeps, for `group_by`; else numbers."""
    root, samples = getattr(what, "root", None), getattr(what, "samples", None)
    if root and isinstance(samples, list) and len(samples) == len(what):
        return lambda i: relpath(samples[i][0], root).replace("\\", "/")
    return lambda i: f"item/{i}"
