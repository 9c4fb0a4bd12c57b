"""Features of pictures, by which they are grouped and their labels are checked."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from cutaway import models
from cutaway.data import resampling
from cutaway.data.feed import Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.patch_features import small
from cutaway.learn.pretrained import load_pretrained
from cutaway.see.probe import resting

BACKBONE = "efficientnet_lite0"
PHOTOGRAPHS = 32
"""Pictures of fewer pixels a side are described by their pixels."""
SIZES = (96, 160)
"""Sides in pixels at which the pre-trained network looks at small and at large pictures."""
PIXELS = 16
"""Longest side in pixels of pictures that are described so."""
CHUNK = 64
"""Pictures at a time."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Features:
    """Features of each picture, and in words what made them."""

    values: Float[Tensor, "n d"]
    made_by: str


def image_features(images: ImageSet, progress: Progress | None = None) -> Features:
    """Describe pictures by a pre-trained network, or by their pixels where they are tiny or its
    weights are not installed.

    Args:
        progress: called with the number of pictures done so far and in all.

    Raises:
        UsageError: they are no pictures.
    """
    if len(images.size) != 2:
        raise UsageError("Only pictures can be compared by features, not signals or videos.")
    if min(images.size) >= PHOTOGRAPHS:
        side = SIZES[min(images.size) > SIZES[0]]
        with suppress(UsageError):  # its weights are not installed
            network, normalise = _backbone(side)
            values = _collected(images, progress, lambda x: _described(network, normalise, x, side))
            return Features(values, f"features of EfficientNet-Lite0 at {side} x {side} pixels")
    return Features(_collected(images, progress, _pixels), f"the pixels, {PIXELS} a side at most")


def _pixels(pixels: UInt8[Tensor, "b h w c"]) -> Float[Tensor, "b d"]:
    return small(to_float(pixels), PIXELS).flatten(1)


def _backbone(side: int) -> tuple[nn.Module, Normalise]:
    """The pre-trained network without its head. Raises UsageError where it is not installed."""
    model = models.find(BACKBONE)
    network = models.build(BACKBONE, 3, 2, side)
    pretrained = load_pretrained(network, model, "auto")
    setattr(network, model.head, nn.Identity())
    return network, Normalise(pretrained.mean, pretrained.std)


def _described(
    network: nn.Module, normalise: Normalise, pixels: UInt8[Tensor, "b h w c"], side: int
) -> Float[Tensor, "b d"]:
    pixels = resampling.framed(resampling.coloured(pixels, 3), (side, side), "stretch")
    with torch.no_grad(), resting(network):
        features: Tensor = network(normalise(to_float(pixels)))
    return features


def _collected(
    images: ImageSet, progress: Progress | None, describe: Callable[[Tensor], Tensor]
) -> Float[Tensor, "n d"]:
    def chunks() -> Iterator[Tensor]:
        for start in range(0, len(images), CHUNK):
            yield describe(images.images[start : start + CHUNK])
            if progress:
                progress(min(start + CHUNK, len(images)), len(images))

    return torch.cat(list(chunks()))


def principal_components(x: Float[np.ndarray, "n d"], most: int) -> Float[np.ndarray, "n k"]:
    """The first principal components of features, each of which has mean 0 and spread 1 before."""
    from sklearn.decomposition import PCA

    if not np.ptp(x, 0).any():  # all alike
        return np.zeros_like(x[:, :1])
    x = (x - x.mean(0)) / x.std(0).clip(1e-6)
    found: np.ndarray = PCA(min(most, *x.shape), random_state=0).fit_transform(x)
    return found
