"""The images of a sitting: real, drawn and scrambled, shuffled, all made by the same code."""

from dataclasses import dataclass

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from cutaway.data.feed import Normalise, to_float
from cutaway.errors import UsageError
from cutaway.learn.image_grid import in_bytes, png
from cutaway.learn.judgements import Kind, Sitting
from cutaway.learn.run import Run
from cutaway.randomness import derive, generator

Pictures = UInt8[Tensor, "n h w c"]
CHECKS = 10
"""One scrambled image for so many others, and at least six: of fewer a guess passes too often."""


@dataclass(frozen=True)
class Card:
    """One image of a sitting, as PNG.

    Attributes:
        name: of the image among the real ones, or its number among the drawn.
    """

    kind: Kind
    name: str
    picture: bytes


def checks_for(images: int) -> int:
    """How many scrambled images are shown besides."""
    return max(6, images // CHECKS)


class Source:
    """A run's held-out images and its network, and the images of any sitting from them.

    Raises:
        UsageError: the run generates no images, or holds none out.
    """

    def __init__(self, run: Run):
        if not run.task.draws():
            raise UsageError(
                f"{run.path} generates no images, so there is nothing to judge: train a GAN or a "
                "VAE, `cutaway train dcgan mnist`."
            )
        if len(run.data.size) != 2:
            raise UsageError(f"{run.path} generates no pictures that one could look at.")
        if not len(run.split.test) or torch.equal(run.split.train, run.split.test):
            raise UsageError(
                f"{run.path} held out no test images to show beside its own: train it with "
                "--test 0.2."
            )
        self.run = run
        test: Int[Tensor, " n"] = run.split.test
        run.model  # noqa: B018  # weights that are missing or do not fit are told now
        held_out = run.images().subset(test)
        self.names = held_out.names
        self.images: Pictures = as_drawn(held_out.images, run.data.normalise)
        self.levels: UInt8[Tensor, " k"] = self.images.unique()

    def check(self, images: int) -> None:
        """Refuse more images than the run can show. Raises UsageError."""
        needed, there = images // 2 + checks_for(images), len(self.images)
        if needed > there:
            raise UsageError(
                f"{self.run.path} held out {there} test images, and --images {images} needs "
                f"{needed}, half of the images and those for checks: ask for fewer."
            )

    def deal(self, sitting: Sitting) -> list[Card]:
        """The images of a sitting in their order: the same for the same seed and session."""
        name = (sitting.seed, "judge", sitting.session)
        g = generator(*name)
        real, checks = sitting.images // 2, sitting.checks
        chosen = torch.randperm(len(self.images), generator=g)[: real + checks]
        drawn = self._drawn(sitting.images - real, derive(*name, "drawn"))
        cards = [self._card("real", i, self.images[i]) for i in chosen[:real].tolist()]
        cards += [Card("drawn", str(i), png(one)) for i, one in enumerate(drawn)]
        cards += [
            self._card("scrambled", i, scrambled(self.images[i], g)) for i in chosen[real:].tolist()
        ]
        return [cards[i] for i in torch.randperm(len(cards), generator=g).tolist()]

    def _card(self, kind: Kind, i: int, picture: UInt8[Tensor, "h w c"]) -> Card:
        return Card(kind, self.names[i], png(picture))

    def _drawn(self, count: int, seed: int) -> Pictures:
        return nearest_levels(self.run.generate(count, seed), self.levels)


def as_drawn(pixels: Pictures, normalise: Normalise) -> Pictures:
    """Real images passed through all that generated ones pass through: scaled as the network has
    them, scaled back, cut to 0..1 and rounded to 8 bits."""
    parts = pixels.split(1024)
    return torch.cat([in_bytes(normalise.undo(normalise(to_float(one)))) for one in parts])


def nearest_levels(pictures: Pictures, levels: UInt8[Tensor, " k"]) -> Pictures:
    """Each value the nearest of those that real images have: a level that none of them has would
    give a drawn one away."""
    values = torch.arange(256)
    nearest = (values[:, None] - levels.long()[None]).abs().argmin(1)
    return levels[nearest[pictures.long()]]


def scrambled(picture: UInt8[Tensor, "h w c"], g: torch.Generator) -> UInt8[Tensor, "h w c"]:
    """The same pixels in random order: as light and as dark, and nothing that is ever real."""
    pixels = picture.flatten(0, 1)
    return pixels[torch.randperm(len(pixels), generator=g)].view_as(picture)
