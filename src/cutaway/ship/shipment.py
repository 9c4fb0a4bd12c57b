"""What is exported: the network with all around it, and examples to try it on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.run import Run
from cutaway.randomness import generator
from cutaway.ship.about import About
from cutaway.ship.portable import part_of, portable

CALIBRATION = 256
"""Training images that the ranges of an 8-bit network are measured on."""
DRAWN = 512
"""Codes or places that are tried where a network takes no images."""


@dataclass(frozen=True)
class Shipment:
    """A trained run on its way out.

    Args:
        any_size: leave images at the size that they have, instead of bringing them to the
            network's.
        how: how weights and activations become 8 bits: auto, static, dynamic or weights.
        runtime: a folder with onnxruntime-web's files, for a page; else they are downloaded.
    """

    run: Run
    about: About
    any_size: bool = False
    how: str = "auto"
    runtime: str = ""

    @classmethod
    def of(
        cls, run: Run, part: str = "", any_size: bool = False, how: str = "auto", runtime: str = ""
    ) -> "Shipment":
        """The part of a run that is asked for.

        Raises:
            UsageError: it has no such part, or takes no pictures of any size.
            RunError: the run has not ended.
        """
        part = part_of(run.recipe.in_stages()[-1].task, part)
        pictures = part in ("answer", "reconstruct") and len(run.data.size) == 2
        if any_size and not pictures:
            raise UsageError(f"'{part}' of {run.path} takes no pictures, and so none of any size.")
        return cls(run, About.of(run, part, pictures and not any_size), any_size, how, runtime)

    @cached_property
    def whole(self) -> nn.Module:
        """Pixels (or codes, or places) to answers, in PyTorch."""
        return portable(self.run.model, self.about)

    @property
    def takes_examples(self) -> bool:
        return self.about.part in ("answer", "reconstruct")

    @cached_property
    def images(self) -> ImageSet:
        return self.run.images()

    @cached_property
    def held_out(self) -> Tensor:
        """Positions of the images that no one learned from."""
        split = self.run.split
        return split.test if len(split.test) else split.val

    def examples(self) -> np.ndarray:
        """What the export is verified on: all held-out images; codes or places that are drawn."""
        if self.takes_examples:
            return self.images.images[self.held_out].numpy()
        return self.drawn(DRAWN)

    def targets(self) -> Tensor:
        """Of the examples: a class, or a mask."""
        images = self.images
        return (images.targets if images.masks is None else images.masks)[self.held_out].long()

    def calibration(self) -> np.ndarray:
        """Examples that ranges are measured on: training images, evenly chosen."""
        if not self.takes_examples:
            return self.drawn(CALIBRATION, "calibration")
        train = self.run.split.train
        chosen = train[torch.linspace(0, len(train) - 1, min(CALIBRATION, len(train))).long()]
        return self.images.images[chosen].numpy()

    def drawn(self, count: int, why: str = "examples") -> np.ndarray:
        """Codes from N(0, 1), or places in -1..1."""
        draw = generator(0, "export", why)
        if self.about.part == "generate":
            return torch.randn(count, self.about.latent, generator=draw).numpy()
        return (2 * torch.rand(count, 2, generator=draw) - 1).numpy()

    def specimen(self) -> Tensor:
        """Three made-up examples, of another shape than the network's where it may be any."""
        about = self.about
        if not self.takes_examples:
            return torch.from_numpy(self.drawn(3))
        grid = about.size
        if about.resizes:
            grid = (grid[0] + 13, grid[1] + 6)
        elif self.any_size:
            grid = (2 * grid[0], 3 * grid[1])
        shape = (3, *grid, about.channels)
        return torch.randint(256, shape, generator=generator(0, "specimen")).byte()

    @property
    def free(self) -> tuple[str, ...]:
        """The axes of the input, from the first, that may have any length."""
        return ("batch", "height", "width") if self.about.resizes or self.any_size else ("batch",)
