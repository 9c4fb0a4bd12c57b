"""How bright pictures are, how much there is to see in them, and what size their files have."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data import resampling
from cutaway.data.imageset import ImageSet
from cutaway.data.picture import read_header
from cutaway.data.unreadable import Unreadable

CHUNK, LOOKED_AT = 512, 2000
"""Pictures at a time; and files whose size is read, at most."""


@dataclass(frozen=True)
class Exposure:
    """Of each picture, in grey levels from 0 (black) to 1 (white).

    Attributes:
        brightness: the mean of its pixels.
        contrast: their standard deviation: 0 where the picture is blank.
    """

    brightness: Float[Tensor, " n"]
    contrast: Float[Tensor, " n"]

    def darkest(self, count: int) -> Int[Tensor, " m"]:
        return self.brightness.argsort(stable=True)[:count]

    def brightest(self, count: int) -> Int[Tensor, " m"]:
        return self.brightness.argsort(descending=True, stable=True)[:count]

    def flattest(self, count: int) -> Int[Tensor, " m"]:
        return self.contrast.argsort(stable=True)[:count]


def exposure(images: ImageSet) -> Exposure:
    """Measure all pictures of a set."""
    parts = []
    for chunk in images.images.split(CHUNK):
        grey = resampling.grey(chunk) if images.channels == 3 else chunk
        pixels = grey.flatten(1).float() / 255
        parts.append(torch.stack([pixels.mean(1), pixels.std(1, correction=0)]))
    brightness, contrast = torch.cat(parts, 1)
    return Exposure(brightness, contrast)


def file_sizes(images: ImageSet, most: int = LOOKED_AT) -> list[tuple[int, int]]:
    """Height and width of the files behind a set, evenly chosen where they are many; none where it
    was not read from files of pictures."""
    return list(_sizes(images, max(1, -(-len(images) // most))))


def _sizes(images: ImageSet, step: int) -> Iterator[tuple[int, int]]:
    for source in (images.sources or ())[::step]:
        if isinstance(source, str | bytes):
            try:
                header = read_header(source)
            except Unreadable:
                continue  # moved since it was decoded
            yield header.height, header.width
