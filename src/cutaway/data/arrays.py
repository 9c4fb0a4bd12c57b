"""Image sets from arrays and tensors in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from cutaway.data.frame import Levels
from cutaway.data.image import (
    as_bytes,
    as_numpy,
    channels_last,
    deep_finding,
    deep_values,
    is_array,
)
from cutaway.data.imageset import Finding, ImageSet, Numbered
from cutaway.data.label_sets import LabelSets, sets_of_cells, sets_of_rows
from cutaway.data.masks import main_classes, numbered_masks
from cutaway.data.target import as_matrix
from cutaway.data.target_spec import TargetSpec
from cutaway.data.targets import labels_of, one_hot
from cutaway.data.values import quantity_names, value_array
from cutaway.errors import DataError

MAX_NAMES = 20  # a finding names no more images than this, and says how many there are
CLASSES = TargetSpec()
DARK = 16  # where no value of 255 is above this, the pictures are all but black


def from_arrays(
    images: Any, targets: Any, known: Sequence[str] | None, levels: Levels | None = None,
    spec: TargetSpec = CLASSES,
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
    labels = target_array(targets)
    if len(labels) != len(numbers):
        raise DataError(f"There are {len(numbers)} images and {len(labels)} targets.")
    bad = np.flatnonzero(~good).tolist()
    detail = f"Holds values that are not numbers (NaN or infinity; {len(bad)})."
    findings = named_finding("not-finite", [names[i] for i in bad], detail, True)
    findings += deep_finding(levels, len(numbers))
    kept_names: Sequence[str] = [names[i] for i in np.flatnonzero(good)] if bad else names
    return replace(
        with_targets(pixels, labels[good], known, kept_names, findings, spec), levels=levels
    )


def _finite(images: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Mask of the images that hold numbers throughout; refuses where none does."""
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
        array = np.empty(len(targets), dtype=object)
        array[:] = list(targets)
        return array


def with_targets(
    images: torch.Tensor,
    targets: Any,
    known: Sequence[str] | None,
    names: Sequence[str],
    findings: Sequence[Finding] = (),
    spec: TargetSpec = CLASSES,
) -> ImageSet:
    """An image set with a class or several labels for each image, one for each pixel, or numbers.

    Raises DataError.

    Args:
        targets: an array, or a list of names and numbers; None, NaN and empty names stand for
            images without a label, which are left out.
    """
    if not len(images):
        raise DataError("There are no images in the data.")
    findings = [*findings, *_dark(images)]
    array = as_numpy(targets) if is_array(targets) else targets
    if spec.numbers:
        return _with_values(images, value_array(array), names, findings, spec)
    if is_array(array, 3):
        return _with_masks(images, array, known, names, findings)
    if sets := sets_of_rows(array, spec.columns(()) or known or (), spec.several):
        return _with_sets(images, sets, names, findings)
    values = _flat(array) if isinstance(array, np.ndarray) else list(array)
    if sets := sets_of_cells(values, known, several=spec.several):
        return _with_sets(images, sets, names, findings)
    labels = labels_of(values, known)
    indices = torch.tensor(labels.numbers)
    all_findings = (*findings, *labels.findings)
    labelled = ImageSet(images, indices, tuple(labels.classes), names, findings=all_findings)
    if spec.several:
        labelled = labelled.with_labels(labelled.label_matrix(labels.classes), labels.classes)
    return without(labelled, [i for i, number in enumerate(labels.numbers) if number < 0])


def _with_values(
    images: torch.Tensor, values: np.ndarray, names: Sequence[str], findings: Sequence[Finding],
    spec: TargetSpec,
) -> ImageSet:  # fmt: skip
    """An image set with numbers to be predicted; images that lack one are left out."""
    plain = ImageSet(
        images, torch.zeros(len(images), dtype=torch.long), (), names, findings=tuple(findings)
    )
    every = plain.with_values(
        torch.from_numpy(values), quantity_names(values.shape[1], spec.columns(()))
    )
    return without(every, np.flatnonzero(np.isnan(values).any(1)).tolist())


def _with_sets(
    images: torch.Tensor, labels: LabelSets, names: Sequence[str], findings: Sequence[Finding]
) -> ImageSet:
    """An image set with several labels an image; images of which none are told are left out."""
    every_finding = (*findings, *labels.findings)
    plain = ImageSet(images, torch.zeros(len(images)).long(), (), names, findings=every_finding)
    matrix = as_matrix([some or () for some in labels.sets], len(labels.names))
    untold = [i for i, some in enumerate(labels.sets) if some is None]
    return without(plain.with_labels(matrix, labels.names), untold)


def without(images: ImageSet, unlabelled_indices: list[int]) -> ImageSet:
    """The set without the images that have no label, which are named."""
    if not unlabelled_indices:
        return images
    detail = f"The data have no label ({len(unlabelled_indices)})."
    unlabelled = named_finding(
        "unlabelled", [images.names[i] for i in unlabelled_indices], detail, True
    )
    images = replace(images, findings=(*images.findings, *unlabelled))
    keep = torch.ones(len(images), dtype=torch.bool)
    keep[unlabelled_indices] = False
    return images.subset(keep.nonzero().flatten())


def named_finding(kind: str, names: Sequence[str], detail: str, left_out: bool) -> list[Finding]:
    """A list with one finding, or without any if it concerns no image."""
    return [Finding(kind, tuple(names), detail, left_out)] if names else []


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
    """An image set with masks: targets n h w (or n 1 h w) hold the class of each pixel."""
    masks = masks.squeeze(1) if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if masks.shape != tuple(images.shape[:3]):
        raise DataError(
            f"Targets of the shape {masks.shape} are not masks of images of {images.shape[1]} x "
            f"{images.shape[2]} pixels: a mask holds the class of each pixel."
        )
    numbered, classes = numbered_masks(masks, known, names)
    targets = main_classes(numbered, len(classes))
    return ImageSet(
        images, targets, tuple(classes), names, findings=tuple(findings), masks=numbered
    )


def _dark(images: torch.Tensor) -> list[Finding]:
    """A finding where the values were divided too often, or go to another maximum than 255."""
    high = int(max(int(chunk.max()) for chunk in images.split(4096)))
    if high > DARK:
        return []
    detail = (
        f"No pixel is brighter than {high} of 255, so the images are all but black. Integers are "
        "levels 0..255 and floats fractions 0..1: scale the values so that white is 255 or 1.0."
    )
    return [Finding("dark", (), detail)]


def stacked(pixels: Sequence[np.ndarray]) -> torch.Tensor:
    """Stack images into one tensor; grey images among colour ones get three equal channels."""
    channels = max((image.shape[-1] for image in pixels), default=1)
    full = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in pixels]
    return torch.from_numpy(np.stack(full)) if full else torch.empty(0)
