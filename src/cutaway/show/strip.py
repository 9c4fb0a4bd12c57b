"""Pictures that a network made at the end of some epochs, side by side."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cutaway.learn.image_grid import GAP
from cutaway.learn.run import Run
from cutaway.show.pictures import Picture, picture

STEPS, SIDE, LARGEST = 6, 4, 240
"""Epochs that are shown; pictures of each, in both directions; pixels of what is larger."""


@dataclass(frozen=True)
class Step:
    epoch: int
    picture: Picture


def strip(run: Run, most: int = STEPS) -> list[Step]:
    """The first epoch, the last, and some between them, of those that left a picture."""
    paths = sorted((run.path / "samples").glob("[0-9]*.png"))
    if not paths:
        return []
    at = torch.linspace(0, len(paths) - 1, min(most, len(paths))).round().long().tolist()
    return [Step(int(paths[i].stem), _first(paths[i], run.data.size)) for i in at]


def _first(path: Path, size: tuple[int, ...]) -> Picture:
    """The first few pictures of a grid of them."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        pixels: Tensor = torch.from_numpy(np.array(image))
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if len(size) == 2 and len(pixels) > size[0]:
        height, width = (SIDE * (n + GAP) - GAP for n in size)
        pixels = pixels[:height, :width]
    return picture(pixels, LARGEST, crisp=LARGEST)
