"""Position and stroke of drawings, so that a page can frame a new one as the training images are.

MNIST's digits are 20 of 28 pixels long with their mass in the middle; scikit-learn's fill their
8 x 8 pixels from top to bottom. A network that learned from one takes digits in the other's frame
for something else.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cutaway.data import resampling
from cutaway.errors import DataError

MAX_IMAGES = 500
"""Number of images that are measured, evenly chosen."""
EMPTY, NEAR = 0.3, 0.1
"""Minimum share of pixels that are paper, and the largest distance from its grey, for a drawing on
paper."""
MARK = 0.3
"""Share of the way from paper to ink from which a pixel belongs to the drawing."""
LOST = 0.2
"""Share of the ink that may be lost where images are made smaller and larger again."""


@dataclass(frozen=True)
class Ink:
    """Drawings on paper, lengths as shares of the shorter side of an image.

    Attributes:
        paper, ink: their greys, 0 to 1.
        length: longer side of the box around a drawing.
        by: which middle of a drawing lies at one place: of its `mass`, or of the `box` around it.
        x, y: that place, shares of the width and the height.
        width: of a stroke.
        grain: pixels of the image that one of its original pixels takes, where it was enlarged.
    """

    paper: float
    ink: float
    length: float
    by: str
    x: float
    y: float
    width: float
    grain: int

    @classmethod
    def from_json(cls, values: Any) -> "Ink | None":
        """Read what JSON kept of it. Raises DataError."""
        try:
            return cls(**values) if values else None
        except TypeError:
            raise DataError("What is kept of the drawings is damaged.") from None


def measure_ink(images: UInt8[Tensor, "n h w c"]) -> Ink | None:
    """Measure the drawings; the paper's grey is the most frequent of all. None where the images are
    no drawings."""
    some = images[:: -(-len(images) // MAX_IMAGES)]
    if some.shape[-1] != 1 or not len(some) or min(some.shape[1:3]) < 4:
        return None
    grey = some[..., 0].float() / 255
    paper = torch.bincount(some.flatten().int(), minlength=256).argmax().item() / 255
    near = ((grey - paper).abs() < NEAR).float().mean().item()
    return _measure(grey, paper) if near >= EMPTY else None


def _measure(grey: Float[Tensor, "n h w"], paper: float) -> Ink | None:
    away = grey - paper
    side = 1 if away.mean() > 0 else -1
    reach = (side * away).flatten(1).quantile(0.98, 1).median().item()
    if reach < NEAR:
        return None
    mark = (side * away / reach).clamp(0, 1)
    mark = mark[(mark > MARK).flatten(1).any(1)]
    length, boxes = _boxes(mark > MARK)
    masses = _masses(mark)
    by, places = min(
        (("mass", masses), ("box", boxes)), key=lambda one: one[1].std(0, correction=0).sum().item()
    )
    x, y = places.median(0).values.tolist()
    ink = min(1.0, max(0.0, paper + side * reach))
    return Ink(paper, ink, length, by, x, y, _width(mark), _grain(grey - paper))


def _boxes(on: Tensor) -> tuple[float, Float[Tensor, "n 2"]]:
    """The median longer side of the boxes around drawings, and the centre of each box."""
    ends, sizes = [], on.shape[1:]
    for axis, n in ((1, sizes[1]), (2, sizes[0])):  # columns, then rows
        line = on.any(axis).int()
        first, last = line.argmax(1), n - line.flip(1).argmax(1)
        ends.append((first, last, n))
    longest = torch.stack([last - first for first, last, _ in ends]).max(0).values
    middles = torch.stack([(first + last) / (2 * n) for first, last, n in ends], 1)
    return longest.float().median().item() / min(sizes), middles


def _masses(mark: Float[Tensor, "n h w"]) -> Float[Tensor, "n 2"]:
    """The centre of mass of each drawing, x and y."""
    total = mark.sum((1, 2))
    middles = []
    for axis in (2, 1):
        n = mark.shape[axis]
        places = (torch.arange(n) + 0.5) / n
        middles.append((mark.sum(3 - axis) * places).sum(1) / total)
    return torch.stack(middles, 1)


def _width(mark: Float[Tensor, "n h w"]) -> float:
    """The width of a stroke: a line of width w and length l covers w l, and its edge is 2 l
    long."""
    wide = torch.nn.functional.pad(mark, (1, 1, 1, 1))
    dy, dx = wide.diff(dim=1)[:, :, :-1], wide.diff(dim=2)[:, :-1]
    edge = (dx.square() + dy.square()).sqrt().sum((1, 2))
    return (2 * mark.sum((1, 2)) / edge).median().item() / min(mark.shape[1:])


def _grain(ink: Float[Tensor, "n h w"]) -> int:
    """The largest of 2, 4 and 8 by which the images can be made smaller and larger again."""
    height, width = ink.shape[1:]
    pixels = ((ink - ink.min()) / (ink.max() - ink.min()) * 255).round().byte()[..., None]
    for grain in (8, 4, 2):
        if min(height, width) < 4 * grain or height % grain or width % grain:
            continue
        small = resampling.resampled(pixels, (height // grain, width // grain))
        again = resampling.resampled(small, (height, width)).float()
        lost = (again - pixels.float()).square().mean().sqrt() / pixels.float().std()
        if lost < LOST:
            return grain
    return 1
