"""Image sets from arrays and tensors in memory."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from PIL import Image

from cutaway.data.frame import Frame, Size
from cutaway.data.imageset import Finding, ImageSet, Numbered
from cutaway.data.masks import main_classes, numbered_masks
from cutaway.data.picture import Unreadable, as_shown, is_grey, quietly, read
from cutaway.data.targets import labels_of, one_hot
from cutaway.errors import DataError

Pixels = UInt8[np.ndarray, "h w c"]
NAMED = 20  # a finding names no more images than this, and says how many there are
DARK = 16  # where no value of 255 is above this, the pictures are all but black


def is_array(value: Any, least: int = 1) -> bool:
    """Whether something is an array or tensor of `least` axes or more (an object has no shape)."""
    known = isinstance(value, np.ndarray | torch.Tensor) and value.ndim >= least
    return bool(known and getattr(value.dtype, "kind", "") != "O")


def from_arrays(images: Any, targets: Any, known: Sequence[str] | None) -> ImageSet:
    """Images n h w, n h w c or n c h w, and a target for each. Raises DataError."""
    numbers = as_numpy(images)
    good = _finite(numbers)
    pixels = torch.from_numpy(batch(numbers[good], isinstance(images, torch.Tensor)))
    names = Numbered("arrays", len(numbers))
    given = target_array(targets)
    if len(given) != len(numbers):
        raise DataError(f"There are {len(numbers)} images and {len(given)} targets.")
    bad = np.flatnonzero(~good).tolist()
    said = f"Holds values that are no numbers (NaN or infinity; {len(bad)})."
    findings = named_finding("not-finite", [names[i] for i in bad], said, True)
    kept: Sequence[str] = [names[i] for i in np.flatnonzero(good)] if bad else names
    return with_targets(pixels, given[good], known, kept, findings)


def _finite(images: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Which images hold numbers throughout; refuses where none does."""
    if images.dtype.kind != "f" or not len(images):
        return np.ones(len(images), bool)
    good = np.array([bool(np.isfinite(image).all()) for image in images])
    if not good.any():
        raise DataError("All images hold values that are no numbers (NaN or infinity).")
    return good


def as_numpy(value: Any) -> np.ndarray:
    """A tensor (of any device), an array or a list as an array."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype is torch.bfloat16 else value
        return value.numpy()
    return np.asarray(value)


def batch(images: np.ndarray, torch_like: bool) -> UInt8[np.ndarray, "n h w c"]:
    """Images n h w, n h w c or n c h w as bytes, channels last."""
    if images.ndim == 3:
        images = images[..., None]
    elif images.ndim == 4:
        images = channels_last(images, torch_like)
    else:
        side = round(images.shape[-1] ** 0.5) if images.ndim == 2 else 0
        flat = f": reshape the rows to (-1, {side}, {side})" if side * side > 1 else ""
        flat = flat if side * side == images.shape[-1] else ""
        raise DataError(
            f"Images have the shape n h w, n h w c or n c h w, not {images.shape}{flat}."
        )
    return np.ascontiguousarray(as_bytes(images))


def channels_last(images: np.ndarray, torch_like: bool) -> np.ndarray:
    """Where both ends could be channels, a tensor has them first and an array last."""
    first, last = images.shape[-3] in (1, 3), images.shape[-1] in (1, 3)
    if not (first or last):
        raise DataError(f"Images have 1 or 3 channels; the shape {images.shape} has neither.")
    return np.moveaxis(images, -3, -1) if first and (torch_like or not last) else images


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Numbers as grey levels 0..255: floats are fractions, integers are levels already."""
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8, copy=False)
    if images.dtype == bool:
        return images.astype(np.uint8) * 255
    if images.dtype.kind not in "fiu":
        raise DataError(f"Images hold {images.dtype} values, which are no numbers.")
    low, high = images.min(), images.max()
    top, kind = (1, "Floats") if images.dtype.kind == "f" else (255, "Integers")
    if not (low >= 0 and high <= top):
        raise DataError(
            f"Images hold {images.dtype} values from {low} to {high}. {kind} must lie in 0..{top}: "
            f"{_advice(images.dtype.kind, float(low), float(high))}"
        )
    return np.rint(images * (255 / top)).astype(np.uint8)


def _advice(kind: str, low: float, high: float) -> str:
    if low < 0 or not np.isfinite(low + high):
        return "leave out any normalisation, or convert to uint8."
    if high <= 255:
        return f"divide them by the value of white (255, or {high:g} here), or convert to uint8."
    return f"divide them by the value of white ({_most(high)}?), which makes floats in 0..1."


def _most(high: float) -> int:
    """What counters of so many bits hold at most."""
    return next((top for bits in (10, 12, 16) if high <= (top := 2**bits - 1)), int(high))


def target_array(targets: Any) -> np.ndarray:
    """Targets as an array; lists of several lengths as an array of lists."""
    try:
        return as_numpy(targets)
    except ValueError:  # rows of several lengths
        found = np.empty(len(targets), dtype=object)
        found[:] = list(targets)
        return found


def with_targets(
    images: torch.Tensor,
    targets: Any,
    known: Sequence[str] | None,
    names: Sequence[str],
    findings: Sequence[Finding] = (),
) -> ImageSet:
    """An image set with a class for each image, or one for each pixel. Raises DataError.

    Args:
        targets: an array, or a list of names and numbers; None, NaN and empty names stand for
            images without a label, which are left out.
    """
    if not len(images):
        raise DataError("There is no image in the data.")
    findings = [*findings, *_dark(images)]
    given = as_numpy(targets) if is_array(targets) else targets
    if is_array(given, 3):
        return _with_masks(images, given, known, names, findings)
    values = _flat(given) if isinstance(given, np.ndarray) else list(given)
    numbers, classes, told = labels_of(values, known)
    found = torch.tensor(numbers)
    every = ImageSet(images, found, tuple(classes), names, findings=(*findings, *told))
    return without(every, [i for i, number in enumerate(numbers) if number < 0])


def without(images: ImageSet, bare: list[int]) -> ImageSet:
    """The set without the images that have no label, which are named."""
    if not bare:
        return images
    said = f"The data give no label ({len(bare)})."
    found = named_finding("unlabelled", [images.names[i] for i in bare], said, True)
    images = replace(images, findings=(*images.findings, *found))
    keep = torch.ones(len(images), dtype=torch.bool)
    keep[bare] = False
    return images.subset(keep.nonzero().flatten())


def named_finding(kind: str, names: Sequence[str], said: str, left_out: bool) -> list[Finding]:
    """A finding where it concerns any image."""
    return [Finding(kind, tuple(names), said, left_out)] if names else []


def _flat(targets: np.ndarray) -> list[Any]:
    """One number or name for each image, from a vector, a column or one-hot rows."""
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim == 2 and targets.dtype.kind in "fiub":
        return one_hot(targets)
    if targets.ndim != 1:
        raise DataError(
            f"Targets are one number or name for each image, one-hot rows, or masks, not "
            f"{targets.shape}."
        )
    values: list[Any] = targets.tolist()
    return values


def _with_masks(
    images: torch.Tensor,
    masks: np.ndarray,
    known: Sequence[str] | None,
    names: Sequence[str],
    findings: Sequence[Finding],
) -> ImageSet:
    """Targets n h w (or n 1 h w) hold the class of each pixel."""
    masks = masks.squeeze(1) if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if masks.shape != tuple(images.shape[:3]):
        raise DataError(
            f"Targets of the shape {masks.shape} are no masks of images of {images.shape[1]} x "
            f"{images.shape[2]} pixels: a mask holds the class of each pixel."
        )
    found, classes = numbered_masks(masks, known, names)
    targets = main_classes(found, len(classes))
    return ImageSet(images, targets, tuple(classes), names, findings=tuple(findings), masks=found)


def _dark(images: torch.Tensor) -> list[Finding]:
    """Values that were divided too often, or that go to another number than 255."""
    high = int(max(int(chunk.max()) for chunk in images.split(4096)))
    if high > DARK:
        return []
    said = (
        f"No pixel is brighter than {high} of 255, so the images are all but black. Integers are "
        "levels 0..255 and floats fractions 0..1: scale the values so that white is 255 or 1.0."
    )
    return [Finding("dark", (), said)]


def pixels_of(image: Any, side: Size) -> Pixels:
    """An image of PIL, NumPy or torch, or a file's path or content, as bytes h w c.

    It is cut to a square where `side` is given. Raises DataError, or Unreadable for a file.
    """
    if isinstance(image, dict) and image.keys() & {"bytes", "path"}:
        image = image.get("bytes") or image.get("path") or b""
    if isinstance(image, str | bytes | PathLike):
        return _decoded(image if isinstance(image, bytes) else str(image), side)
    if not isinstance(image, Image.Image):
        if not is_array(image, 2):
            raise DataError(
                f"An image of PIL, an array or a tensor is expected, not {image!r:.60}."
            )
        array = as_numpy(image)
        array = channels_last(array, isinstance(image, torch.Tensor)) if array.ndim == 3 else array
        if array.ndim > 3:
            raise DataError(f"An image has the shape h w, h w c or c h w, not {array.shape}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Unreadable("not-finite", "Holds values that are no numbers (NaN or infinity).")
        array = as_bytes(array)
        if side is None:
            return array[..., None] if array.ndim == 2 else array
        image = Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array)
    shown = as_shown(image, _frame(side, 1 if is_grey(image) else 3), [])
    array = np.array(shown)
    return array[..., None] if array.ndim == 2 else array


def _decoded(source: str | bytes, side: Size) -> Pixels:
    with quietly():
        frame = _frame(side, 3)
        found = read(source, frame)
    shape = (found.height, found.width, frame.channels)
    pixels = np.frombuffer(found.pixels, np.uint8).reshape(shape)
    return pixels[..., :1] if found.grey and not isinstance(side, Frame) else pixels


def _frame(side: Size, channels: int) -> Frame:
    """A square of this side, or what is asked for."""
    return side if isinstance(side, Frame) else Frame(channels, (side, side) if side else None)


def stacked(pixels: Sequence[np.ndarray]) -> torch.Tensor:
    """One tensor; grey images among colour ones get three equal channels."""
    channels = max((image.shape[-1] for image in pixels), default=1)
    full = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in pixels]
    return torch.from_numpy(np.stack(full)) if full else torch.empty(0)
