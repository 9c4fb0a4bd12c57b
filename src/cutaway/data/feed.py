"""Batches of a packed set: each batch is a function of the step's number."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from cutaway.data.augment import Augment, Draw, OwnAugment
from cutaway.data.balance import balanced_order
from cutaway.data.batch import Batch, count_batches
from cutaway.data.elsewhere import Elsewhere, along_shards, in_few_shards, soon
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Masks, Target
from cutaway.randomness import generator
from cutaway.together.share import WHOLE, Division, Share, computing

READY = 1 << 22
"""Largest number of values of a set that is kept normalised: 16 MB."""


class Mark(TypedDict):
    """How many images of a stream had been learned from, and a digest of them."""

    images: int
    digest: str


@dataclass(frozen=True)
class Normalise:
    """(x / 255 - mean) / std, a channel at a time; `mean` and `std` are for pixels in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(
        cls, images: UInt8[Tensor, "n *grid c"], index: Int[Tensor, " m"] | None = None
    ) -> "Normalise":
        """The statistics of (up to 10,000 evenly chosen of) all or some of the images.

        Sums of whole numbers, which do not depend on how many threads add them up.
        """
        index = torch.arange(len(images)) if index is None else index
        index = in_few_shards(images, index, 10_000)
        sample = images[index[:: max(1, len(index) // 10_000)]]
        total, squares = torch.zeros(2, images.shape[-1], dtype=torch.long)
        count = 0
        for chunk in sample.split(1024):
            pixels = chunk.reshape(-1, images.shape[-1]).long()
            total, squares = total + pixels.sum(0), squares + (pixels * pixels).sum(0)
            count += len(pixels)
        mean = total.double() / (255 * count)
        std = (squares.double() / (255**2 * count) - mean * mean).clamp(min=1e-6).sqrt()
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    def __call__(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b c *grid"]:
        """For pixels that are in 0..1 already; `x` itself is changed."""
        if len(self.mean) == 1:  # numbers are quicker than tensors of one
            return x.sub_(self.mean[0]).div_(self.std[0])
        return x.sub_(self._tensor(self.mean, x)).div_(self._tensor(self.std, x))

    def undo(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b c *grid"]:
        """The inverse: normalised values as values in 0..1 again."""
        return x * self._tensor(self.std, x) + self._tensor(self.mean, x)

    @staticmethod
    def _tensor(values: tuple[float, ...], like: Tensor) -> Tensor:
        return like.new_tensor(values).view(-1, *[1] * (like.dim() - 2))


def to_float(images: UInt8[Tensor, "b *grid c"]) -> Float[Tensor, "b c *grid"]:
    """Values in 0..1, in channels-last memory order."""
    return images.movedim(-1, 1).float().div_(255)


class Feed:
    """The batches of one part of a set.

    The order of epoch e is drawn from the stream (seed, "order", e), the augmentation of batch s
    from (seed, "augment", s); so a batch depends on its number alone, and a resumed run asks for
    the next one as if nothing had happened. An epoch gives every image, in as many batches as it
    takes, whose sizes differ by one at most: 46 images by 32 are two batches of 23.

    Args:
        index: positions in `images` to draw from.
        batch_size: images of a batch at most.
        balanced: whether an epoch shows each class equally often, whatever its images; some of
            them are then shown more than once, and others not.
        drop_last: whether all batches are of `batch_size` instead, and the images that are left
            over (others in each epoch) are left out.
        turns: batches that a step takes; an epoch is then a whole number of steps.
        labelled: positions whose class is told. A batch then is half of `index` without classes
            (targets -1) and half of these.
        repeat: times that an epoch shows each image.
        memory_format: of the batches' x, where they are pictures.
        target: what the targets are, where numbers have the mean and the spread that they are
            learned with; by default what the images say.
        division: how processes divide each training batch among them.
    """

    finite = True
    """Whether its images can be counted."""

    def __init__(
        self,
        images: ImageSet,
        index: Int[Tensor, " m"],
        *,
        batch_size: int,
        normalise: Normalise,
        seed: int = 0,
        augment: Augment | OwnAugment | None = None,
        labelled: Int[Tensor, " k"] | None = None,
        repeat: int = 1,
        balanced: bool = False,
        drop_last: bool = False,
        turns: int = 1,
        device: str = "cpu",
        memory_format: torch.memory_format = torch.channels_last,
        target: Target | None = None,
        division: Division = WHOLE,
    ):
        self.division = division
        self.index = index.repeat(repeat)
        self.augment = augment if augment is not None and augment.active else None
        self.seed, self.labelled, self.balanced = seed, labelled, balanced
        self.batch_size = min(batch_size, len(self.index))
        self.drop_last, self.turns = drop_last, turns
        self.normalise, self.device, self.memory_format = normalise, device, memory_format
        self.images = to_device(images.images, device)
        self.targets, self.target = images.truth, target or images.target
        self.masked = isinstance(images.target, Masks)
        self._order: tuple[int, Tensor] = (-1, index)

    @cached_property
    def batches_per_epoch(self) -> int:
        if self.drop_last:
            return len(self.index) // self.batch_size
        return count_batches(len(self.index), self.batch_size, self.turns)

    @property
    def images_per_epoch(self) -> int:
        """Number of images in an epoch, without the additional labelled ones."""
        if self.drop_last:
            return self.batches_per_epoch * self.batch_size
        return len(self.index)

    @property
    def undivided(self) -> "Feed":
        """The same with whole batches."""
        if self.division.team.alone:
            return self
        other = copy.copy(self)
        other.division = WHOLE
        return other

    @property
    def plain(self) -> bool:
        """Whether a batch is the chosen images as they are."""
        return self.labelled is None and self.augment is None

    def order(self, epoch: int) -> Int[Tensor, " m"]:
        """Positions in the set in the order of one epoch."""
        if self._order[0] != epoch:
            draws = generator(self.seed, "order", epoch)
            self._order = (
                epoch,
                along_shards(self.images, self.index[self._shuffle(draws)], draws),
            )
        return self._order[1]

    def _shuffle(self, draws: torch.Generator) -> Int[Tensor, " m"]:
        if self.balanced:
            return balanced_order(self.targets[self.index], draws)
        return torch.randperm(len(self.index), generator=draws)

    def indices(self, number: int) -> Int[Tensor, " b"]:
        """Positions in the set of a batch's images, without the additional labelled ones."""
        epoch = number // self.batches_per_epoch
        skipped = epoch * self.images_per_epoch
        start, end = self.images_before(number), self.images_before(number + 1)
        order = self.order(epoch)
        soon(self.images, order[start - skipped :])
        return order[start - skipped : end - skipped]

    def images_before(self, number: int) -> int:
        """Number of images in all batches before this one, without the additional labelled ones.

        The first batches of an epoch hold one image more where they cannot all be equal.
        """
        epochs, k = divmod(number, self.batches_per_epoch)
        size, larger = divmod(self.images_per_epoch, self.batches_per_epoch)
        return epochs * self.images_per_epoch + k * size + min(k, larger)

    def batch(self, number: int) -> Batch:
        """A batch, counted from 0 over all epochs."""
        index = self.indices(number)
        if self.labelled is None:
            return self._make(index, number, self.division.of(len(index)))
        draws = torch.randint(
            len(self.labelled), (len(index),), generator=generator(self.seed, "labelled", number)
        )
        both = torch.cat([index, self.labelled[draws]])
        share = self.division.of(len(both))
        batch = self._make(both, number, share)
        rows = torch.arange(len(both)) if share is None else share.rows
        batch.t[rows < len(index)] = -1
        return batch

    def mark(self, number: int) -> Mark | None:
        """What tells whether the same was read before a batch; nothing where all is at hand."""
        return None

    def expect(self, number: int, mark: Mark | None) -> None:
        """Be ready to give a batch next, having read before it what a mark says."""

    def in_order(self) -> Iterator[Batch]:
        """Every image once, without augmentation, in the order of `index`."""
        yield from self.first(len(self.index))

    def first(self, count: int) -> Iterator[Batch]:
        """The first `count` images, in batches, without augmentation."""
        index, start = self.index[:count], 0
        for some in index.split(self.batch_size):
            soon(self.images, index[start:])
            start += len(some)
            yield self.of(some)

    def of(self, index: Int[Tensor, " b"]) -> Batch:
        """A batch of these images, without augmentation."""
        return self._make(index, None)

    def _make(
        self, index: Int[Tensor, " b"], number: int | None, share: Share | None = None
    ) -> Batch:
        """The batch of these images, or of a share of them."""
        if share is not None and self.augment is not None and self.augment.by_batch:
            return self._make(index, number).of(share)  # which looks at all of its images
        own = index if share is None else index[share.rows]
        t = self.target.learned(self.targets[own].to(self.device, non_blocking=True))
        if number is not None and self._ready is not None:
            x = self._ready.index_select(0, own.to(self.device)).movedim(-1, 1)
            return Batch(_in_format(x, self.memory_format), t, own, share)
        pixels = self.images.index_select(0, own.to(self.images.device))
        return self._prepared(pixels, t, index, number, share)

    def _prepared(
        self, pixels: UInt8[Tensor, "b *grid c"], t: Tensor, index: Tensor, number: int | None,
        share: Share | None = None,
    ) -> Batch:  # fmt: skip
        """Images and targets as a batch, augmented where it has a number.

        Args:
            index: of the whole batch.
        """
        x = to_float(pixels.to(self.device, non_blocking=True))
        rows = None if share is None else share.rows
        if self.augment is not None and number is not None:
            draw = Draw(self.seed, number, index, self.device, rows)
            with computing(share):
                x, moved = self.augment.of_step(x, t if self.masked else None, draw)
            t = t if moved is None else moved
        own = index if rows is None else index[rows]
        return Batch(_in_format(self.normalise(x), self.memory_format), t, own, share)

    @cached_property
    def _ready(self) -> Float[Tensor, "n *grid c"] | None:
        """The normalised set, where it is small and nothing else is done to it.

        On a table of four rows, to make a batch anew would take longer than to learn from it.
        """
        if self.augment is not None or self.images.numel() > READY:
            return None
        return self.normalise(to_float(self.images.to(self.device))).movedim(1, -1).contiguous()


def _in_format(x: Tensor, memory_format: torch.memory_format) -> Tensor:
    """The images in a memory format, which only pictures may choose."""
    return x.contiguous(memory_format=memory_format) if x.dim() == 4 else x.contiguous()


def to_device(images: UInt8[Tensor, "n *grid c"], device: str) -> UInt8[Tensor, "n *grid c"]:
    """The images on the device where they are at hand and fit in half of its free memory; else
    where they are."""
    if not device.startswith("cuda") or isinstance(images, Elsewhere):
        return images
    free, _ = torch.cuda.mem_get_info(device)
    return images.to(device) if images.nbytes < free / 2 else images
