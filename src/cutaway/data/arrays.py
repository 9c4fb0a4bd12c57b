"""Image sets from arrays and tensors in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from cutaway.data.frame import Levels
from cutaway.data.image import as_bytes, as_numpy, channels_last, deep_values, deeper, is_array
from cutaway.data.imageset import Finding, ImageSet, Numbered
from cutaway.data.masks import main_classes, numbered_masks
from cutaway.data.targets import labels_of, one_hot
from cutaway.data.values import quantity_names, value_array
from cutaway.data.wanted import Wanted
from cutaway.errors import DataError

NAMED = 20  # a finding names no more images than this, and says how many there are
CLASSES = Wanted()
DARK = 16  # where no value of 255 is above this, the pictures are all but black


def from_arrays(
    images: Any, targets: Any, known: Sequence[str] | None, levels: Levels | None = None,
    wanted: Wanted = CLASSES,
) -> ImageSet:  # fmt: skip
    """Images n h w, n h w c or n c h w, and a target for each. Raises DataError.

    Args:
        levels: what stands for black and white where integers have more than 8 bits; by default
            the least and the greatest.
    """
    numbers = as_numpy(images)
    good = _finite(numbers)
    levels = levels or deep_values(numbers)
    pixels = torch.from_numpy(batch(numbers[good], isinstance(images, torch.Tensor), levels))
    names = Numbered("arrays", len(numbers))
    given = target_array(targets)
    if len(given) != len(numbers):
        raise DataError(f"There are {len(numbers)} images and {len(given)} targets.")
    bad = np.flatnonzero(~good).tolist()
    said = f"Holds values that are not numbers (NaN or infinity; {len(bad)})."
    findings = named_finding("not-finite", [names[i] for i in bad], said, True)
    findings += deeper(levels, len(numbers))
    kept: Sequence[str] = [names[i] for i in np.flatnonzero(good)] if bad else names
    return replace(with_targets(pixels, given[good], known, kept, findings, wanted), levels=levels)


def _finite(images: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Which images hold numbers throughout; refuses where none does."""
    if images.dtype.kind != "f" or not len(images):
        return np.ones(len(images), bool)
    good = np.array([bool(np.isfinite(image).all()) for image in images])
    if not good.any():
        raise DataError("All images hold values that are not numbers (NaN or infinity).")
    return good


def batch(
    images: np.ndarray, torch_like: bool, levels: Levels | None = None
) -> UInt8[np.ndarray, "n h w c"]:
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
    return np.ascontiguousarray(as_bytes(images, levels))


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
    wanted: Wanted = CLASSES,
) -> ImageSet:
    """An image set with a class for each image, or one for each pixel, or numbers.

    Raises DataError.

    Args:
        targets: an array, or a list of names and numbers; None, NaN and empty names stand for
            images without a label, which are left out.
    """
    if not len(images):
        raise DataError("There are no images in the data.")
    findings = [*findings, *_dark(images)]
    given = as_numpy(targets) if is_array(targets) else targets
    if wanted.numbers:
        return _with_values(images, value_array(given), names, findings, wanted)
    if is_array(given, 3):
        return _with_masks(images, given, known, names, findings)
    values = _flat(given) if isinstance(given, np.ndarray) else list(given)
    labels = labels_of(values, known)
    found = torch.tensor(labels.numbers)
    told = (*findings, *labels.findings)
    every = ImageSet(images, found, tuple(labels.classes), names, findings=told)
    return without(every, [i for i, number in enumerate(labels.numbers) if number < 0])


def _with_values(
    images: torch.Tensor, values: np.ndarray, names: Sequence[str], findings: Sequence[Finding],
    wanted: Wanted,
) -> ImageSet:  # fmt: skip
    """Numbers to be predicted; images that lack one are left out."""
    plain = ImageSet(
        images, torch.zeros(len(images), dtype=torch.long), (), names, findings=tuple(findings)
    )
    every = plain.with_values(
        torch.from_numpy(values), quantity_names(values.shape[1], wanted.columns)
    )
    return without(every, np.flatnonzero(np.isnan(values).any(1)).tolist())


def without(images: ImageSet, bare: list[int]) -> ImageSet:
    """The set without the images that have no label, which are named."""
    if not bare:
        return images
    said = f"The data have no label ({len(bare)})."
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
            f"Targets of the shape {masks.shape} are not masks of images of {images.shape[1]} x "
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


def stacked(pixels: Sequence[np.ndarray]) -> torch.Tensor:
    """One tensor; grey images among colour ones get three equal channels."""
    channels = max((image.shape[-1] for image in pixels), default=1)
    full = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in pixels]
    return torch.from_numpy(np.stack(full)) if full else torch.empty(0)
