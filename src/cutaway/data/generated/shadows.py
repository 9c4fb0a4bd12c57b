"""The shadows of things of some height, along a row of cells (MIT 6.034, on autocoding).

One number, the height, decides all ten values: what a code of few units has to find.
"""

import numpy as np
import torch

from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set

CELLS, COUNT = 10, 300
MIN_HEIGHT = 1.0  # cells
BANDS = {"short": 4.0, "middle": 7.0, "tall": 10.0}  # each up to this height, in cells


def shadows() -> ImageSet:
    """300 shadows of 1 to 10 cells, no two the same; the last cell is dark in part."""
    levels = int((CELLS - MIN_HEIGHT) * 255)
    draw = np.random.RandomState(0)
    heights = MIN_HEIGHT + np.sort(draw.permutation(levels)[:COUNT] + 1) / 255
    images = np.rint(255 * shade(heights)).astype(np.uint8)[..., None]
    targets = np.searchsorted(list(BANDS.values()), heights)
    note = {"targets": targets.tolist()}
    return named_set("shadows", torch.from_numpy(images), note, list(BANDS))


def shade(heights: np.ndarray) -> np.ndarray:
    """The share of each cell i that lies in the shadow: height - i, clipped to 0..1."""
    return (heights[:, None] - np.arange(CELLS)).clip(0, 1)
