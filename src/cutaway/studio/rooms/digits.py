"""Digits for rooms: those of the embedded set, and one that somebody draws."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.data.frame import Frame
from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.lab.tools.samples import Samples, samples
from cutaway.studio.pictures import decoded

LARGEST = 1_500_000
"""Characters of a drawing, at most."""
PIXELS = 16_000_000
INK = 0.2
"""What is brighter than this is drawn."""


@lru_cache(1)
def digits() -> tuple[Samples, Samples]:
    """Training and test images of 8 x 8 pixels, normalised."""
    return samples(load("digits"))


def ends() -> tuple[float, float]:
    """Black and white, as networks see them."""
    x = digits()[0].x
    return x.min().item(), x.max().item()


def shown(x: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Images as a network sees them, from 0 (black) to 1 (white)."""
    low, high = ends()
    return (x - low) / (high - low)


def seen(x: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Images from 0 to 1 as a network sees them."""
    low, high = ends()
    return low + (high - low) * x


def drawing(content: str, side: int) -> Float[Tensor, "side side"]:
    """A picture file in base64 in grey, from 0 to 1.

    Raises:
        UsageError: it is no picture, or too large.
    """
    if len(content) > LARGEST:
        raise UsageError("The picture is larger than 1 MB: give a smaller one.")
    pixels = decoded(content, Frame(1, (side, side)), PIXELS)
    return torch.from_numpy(pixels[..., 0].copy()).float() / 255


def drawn_digit(content: str) -> Float[Tensor, "8 8"]:
    """A drawing as the set has its digits: cut to the ink, as tall as the image.

    Raises:
        UsageError: it is no picture, too large, or empty.
    """
    x = drawing(content, 64)
    rows, columns = ((x > INK).any(axis).nonzero()[:, 0] for axis in (1, 0))
    if not len(rows):
        raise UsageError("Nothing is drawn: draw a digit in white on black.")
    x = x[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = x.shape
    side = max(height, width)
    left, above = (side - width) // 2, (side - height) // 2
    x = F.pad(x, (left, side - width - left, above, side - height - above))
    return F.adaptive_avg_pool2d(x[None, None], 8)[0, 0]
