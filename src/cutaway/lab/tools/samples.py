"""Training and test examples as plain tensors, for experiments that have a loop of their own."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.duplicates import near
from cutaway.data.feed import Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.split import split
from cutaway.randomness import generator


@dataclass(frozen=True)
class Samples:
    """Normalised images and their classes."""

    x: Float[Tensor, "n c *grid"]
    t: Int[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.t)

    def first(self, n: int) -> "Samples":
        return Samples(self.x[:n], self.t[:n])

    def batch(
        self, seed: int, step: int, size: int
    ) -> tuple[Float[Tensor, "b c *grid"], Int[Tensor, "b"]]:
        """Those of a step (`batch_of`), all of them where there are no more than `size`."""
        index = batch_of(seed, step, len(self), min(len(self), size))
        return self.x[index], self.t[index]


def samples(
    images: ImageSet, seed: int = 0, train: int | None = None, test: int | None = None
) -> tuple[Samples, Samples]:
    """Training images (with those that would validate) and test images, split as runs are.

    Args:
        seed: of the split, and of the order.
        train, test: how many at most; a random draw.
    """
    parts = split(images, seed=seed, duplicates=copies(images))
    learned = torch.cat([parts.train, parts.val])
    normalise = Normalise.of(images.images, learned)

    def drawn(index: Tensor, most: int | None, part: str) -> Samples:
        order = torch.randperm(len(index), generator=generator(seed, "samples", part))[:most]
        index = index[order]
        return Samples(normalise(to_float(images.images[index])), images.targets[index])

    return drawn(learned, train, "train"), drawn(parts.test, test, "test")


_COPIES: dict[str, Int[Tensor, "n"]] = {}


def copies(images: ImageSet) -> Int[Tensor, "n"]:
    """What `split` looks for, near copies: once for all experiments of a process, since MNIST's
    70,000 images take seconds."""
    key = images.fingerprint
    if key not in _COPIES:
        _COPIES[key] = near(images.images)
    return _COPIES[key]


def batch_of(seed: int, step: int, n: int, size: int) -> Int[Tensor, "size"]:
    """The examples of a step: epochs of n in random order, those left over at the end dropped."""
    epoch, place = divmod(step, n // size)
    order = torch.randperm(n, generator=generator(seed, "order", epoch))
    return order[place * size : (place + 1) * size]
