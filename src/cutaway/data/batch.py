"""Images that are learned from in one step, or the share of them that a process computes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from cutaway.together.share import Share


@dataclass(frozen=True)
class Batch:
    """The batch of one step: images x, targets t and their positions in the set.

    A target is a class, the mask of a picture with a class for each pixel, or a row of numbers; a
    class of -1 is not known.

    Attributes:
        share: which rows of the batch these are, where other processes have the rest.
    """

    x: Float[Tensor, "b c *grid"]
    t: Shaped[Tensor, "b *places"]
    index: Int[Tensor, " b"]
    share: Share | None = None

    def __len__(self) -> int:
        return len(self.t)

    @property
    def whole(self) -> int:
        """How many images it has in all processes."""
        return len(self) if self.share is None else self.share.count

    @property
    def weight(self) -> float:
        """What the mean over these images counts for in that over the whole batch."""
        return 1.0 if self.share is None else self.share.weight

    def of(self, share: Share) -> "Batch":
        """The rows of a share."""
        return Batch(self.x[share.rows], self.t[share.rows], self.index[share.rows], share)

    def first(self, count: int | None) -> "Batch":
        """Its first images; all of them where it has no more, or no number is given."""
        if count is None or count >= len(self.x):
            return self
        return Batch(self.x[:count], self.t[:count], self.index[:count])

    def parts(self, count: int) -> Iterator["Batch"]:
        """The batch in `count` parts of almost equal size (fewer where it is smaller)."""
        if count == 1:
            yield self
            return
        if self.share is not None and not self.share.same:
            yield from self._shared_parts(self.share)
            return
        count = min(count, len(self))
        pieces = (value.tensor_split(count) for value in (self.x, self.t, self.index))
        yield from map(Batch, *pieces)

    def _shared_parts(self, share: Share) -> Iterator["Batch"]:
        each = share.each()
        sizes = [len(one.rows) for one in each]
        pieces = (value.split(sizes) for value in (self.x, self.t, self.index))
        yield from map(Batch, *pieces, each)


def count_batches(count: int, batch_size: int, turns: int = 1) -> int:
    """Number of batches of nearly equal size that hold `count` images: as few as possible.

    None is larger than `batch_size` but where one image would be left by itself, which batch
    normalisation cannot work with: it joins a batch of two. Their number is one that `turns`
    divides, where there are images enough.
    """
    batches = math.ceil(math.ceil(count / batch_size) / turns) * turns
    return min(batches, count // min(2, batch_size, count))
