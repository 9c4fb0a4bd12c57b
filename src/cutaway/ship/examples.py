"""Inputs that an export is tested and calibrated on."""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.decode import decode_to
from cutaway.data.imageset import ImageSet
from cutaway.data.sample import as_task
from cutaway.data.worker import fetch
from cutaway.learn.run import Run
from cutaway.randomness import generator
from cutaway.ship.about import About

CALIBRATION = 256
"""Number of training images that the ranges of an 8-bit network are measured on."""
FILES = 32
"""Number of held-out images that are read again at their own size."""
RANDOM_INPUTS = 512
"""Number of codes or places that are tried where a network takes no images."""


class Examples:
    """Inputs for the exported part of a run.

    Args:
        about: says what the network takes: images, codes z or places.
    """

    def __init__(self, run: Run, about: About):
        self.run, self.about = run, about

    @cached_property
    def images(self) -> ImageSet:
        return self.run.images()

    @property
    def held_out(self) -> Tensor:
        """Positions of the images that nothing was learned from."""
        split = self.run.split
        return split.test if len(split.test) else split.val

    def all(self) -> np.ndarray:
        """Every held-out image, or random inputs where the network takes no images."""
        if not self.about.takes_examples:
            return random_inputs(self.about, RANDOM_INPUTS)
        return self.images.images[self.held_out].numpy()

    def files(self) -> list[tuple[int, UInt8[np.ndarray, "h w c"]]]:
        """Some held-out images as their files have them, at sizes of their own, each with its row
        in `all`; none where the network takes one size only, or the images were in memory."""
        sources = self.images.sources if self.about.resizes else None
        if sources is None or not len(self.held_out):
            return []
        frame = self.about.frame._replace(size=None)
        count = min(FILES, len(self.held_out))
        rows = torch.linspace(0, len(self.held_out) - 1, count).long().tolist()
        places = self.held_out.tolist()
        files = ((row, fetch(as_task(sources[places[row]]))) for row in rows)
        return [(row, decode_to(source, frame)) for row, source in files]

    def targets(self) -> Tensor:
        """The targets of all held-out images: classes, masks or values."""
        images = self.images
        return images.truth[self.held_out]

    def calibration(self) -> np.ndarray:
        """Training images, evenly chosen; other codes or places than those of `all`."""
        if not self.about.takes_examples:
            return random_inputs(self.about, CALIBRATION, "calibration")
        train = self.run.split.train
        indices = train[torch.linspace(0, len(train) - 1, min(CALIBRATION, len(train))).long()]
        return self.images.images[indices].numpy()


def random_inputs(about: About, count: int, purpose: str = "examples") -> np.ndarray:
    """Draw codes from N(0, 1), or places in -1..1."""
    draw = generator(0, "export", purpose)
    if about.part == "generate":
        return torch.randn(count, about.latent, generator=draw).numpy()
    return (2 * torch.rand(count, 2, generator=draw) - 1).numpy()
