"""Batches of a stream, read forwards as they are asked for."""

from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.batch import Batch
from cutaway.data.endless import Chunk, digest
from cutaway.data.feed import Feed, Mark
from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, TrainingError


class StreamFeed(Feed):
    """A feed whose training batches come from a stream, in its order.

    Held-out images (those among the first items that `index` lacks) and exact copies of them are
    left out. A batch depends on its number alone: one that lies behind is reached by reading the
    stream from its beginning.

    Args:
        images: the first items of the stream, which has a `tail`.
        index: of these the ones that are learned from.
        batches_per_epoch: an epoch is a number of batches, since a stream has no end.
        options: as those of `Feed`.
    """

    finite = False

    def __init__(
        self, images: ImageSet, index: Int[Tensor, " m"], *, batches_per_epoch: int,
        batch_size: int, **options: Any,
    ):  # fmt: skip
        super().__init__(images, index, batch_size=batch_size, **options)
        assert images.tail is not None
        self.set, self.tail, self.batch_size = images, images.tail, batch_size
        self.batches_per_epoch = batches_per_epoch
        known = torch.ones(len(images), dtype=torch.bool)
        known[index] = False
        self.held_positions = set(images.tail.positions[known].tolist())
        self.held_copies = {digest(images.images[i]) for i in known.nonzero().flatten().tolist()}
        self._begin()

    @property
    def images_per_epoch(self) -> int:
        return self.batches_per_epoch * self.batch_size

    @property
    def undivided(self) -> Feed:
        other = super().undivided
        if isinstance(other, StreamFeed) and other is not self:
            other._begin()  # so that each reads a stream of its own
        return other

    @property
    def plain(self) -> bool:
        return False

    def images_before(self, number: int) -> int:
        return number * self.batch_size

    def batch(self, number: int) -> Batch:
        """A batch, counted from 0.

        Raises:
            TrainingError: the stream has ended.
        """
        if number < self._next - 1:
            self._begin()
        while self._next <= number:
            self._read()
        assert self._last is not None
        chunk = self._last
        share = self.division.of(len(chunk.positions))
        rows = slice(None) if share is None else share.rows
        t = self.target.learned(chunk.truth[rows].to(self.device))
        return self._prepared(chunk.images[rows], t, chunk.positions, number, share)

    def mark(self, number: int) -> Mark:
        """What was read before this batch, which is the next or the last one."""
        return self._marks[number]

    def expect(self, number: int, mark: Mark | None) -> None:
        """Read on to a batch, whatever was read before; refuse a stream that is another one.

        Raises:
            RunError: it gives other images than before.
            TrainingError: it ends before.
        """
        self._begin()
        while self._next < number:
            self._read()
        if mark is not None and mark != self.mark(number):
            raise RunError(
                f"The stream does not give the {mark['images']:,} images again that were learned "
                "from until here: bring the old one back, or train again."
            )

    def _begin(self) -> None:
        """Go to the beginning of the stream."""
        self._next, self._digest = 0, blake2b(digest_size=16)
        self._last: Chunk | None = None
        self._chunks = self.tail.chunks(self.set, self.batch_size)
        self._waiting: deque[Chunk] = deque()
        self._marks = {0: Mark(images=0, digest=self._digest.hexdigest())}

    def _read(self) -> None:
        """Read the next batch."""
        chosen = _joined([next(self._examples()) for _ in range(self.batch_size)])
        self._last = chosen
        self._digest.update(chosen.images.contiguous().numpy().data)
        self._digest.update(chosen.truth.contiguous().numpy().data)
        self._next += 1
        before = self._marks[self._next - 1]
        now = Mark(images=self._next * self.batch_size, digest=self._digest.hexdigest())
        self._marks = {self._next - 1: before, self._next: now}

    def _examples(self) -> Iterator[Chunk]:
        """Images that are learned from, one at a time."""
        while True:
            while not self._waiting:
                chunk = next(self._chunks, None)
                if chunk is None:
                    raise TrainingError(
                        f"The stream ended after {self._next:,} batches of {self.batch_size}: give "
                        "fewer steps, or a stream that begins anew at its end (itertools.cycle)."
                    )
                self._waiting.extend(one for one in _one_by_one(chunk) if self._learned(one))
            yield self._waiting.popleft()

    def _learned(self, one: Chunk) -> bool:
        """Whether an image is neither held out nor a copy of one that is."""
        held = int(one.positions) in self.held_positions
        return not held and digest(one.images[0]) not in self.held_copies


def _one_by_one(chunk: Chunk) -> Iterator[Chunk]:
    for i in range(len(chunk.positions)):
        yield Chunk(chunk.images[i : i + 1], chunk.truth[i : i + 1], chunk.positions[i : i + 1])


def _joined(some: list[Chunk]) -> Chunk:
    return Chunk(
        torch.cat([one.images for one in some]),
        torch.cat([one.truth for one in some]),
        torch.cat([one.positions for one in some]),
    )
