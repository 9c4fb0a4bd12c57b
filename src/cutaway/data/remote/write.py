"""Write a set in shards, once and side by side, with what the audit found and the split.

The index comes last: until then there is no set, and what was written of it is used by the next
attempt. Images are put in random order within their part, so that any shard is a fair sample.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from math import prod

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.audit import audit
from cutaway.data.copies import copies
from cutaway.data.imageset import PARTS, ImageSet
from cutaway.data.remote.examples import Examples
from cutaway.data.remote.index import NAME, File, Index, digest_of
from cutaway.data.remote.packed import find_index
from cutaway.data.remote.place import Place
from cutaway.data.remote.shards import packed
from cutaway.data.split import Split, split
from cutaway.errors import UsageError
from cutaway.randomness import generator

SHARD = 16.0
"""Megabytes of pixels in a shard, unless told otherwise."""
SIDE_BY_SIDE = 8
EXAMPLES = "examples-{}.parquet"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Packed:
    """What was written: the index, bytes in all, and of them those that were there already."""

    index: Index
    bytes: int
    kept: int


def write(
    images: ImageSet, address: str, *, val: float, test: float, seed: int = 0,
    shard_size: float = SHARD, progress: Progress | None = None,
) -> Packed:  # fmt: skip
    """Audit a set, divide it, and write it elsewhere.

    Args:
        address: of the folder to be written: `s3://bucket/packed`, or a path.
        val, test, seed: of the split, as `split` takes them.
        shard_size: megabytes of pixels in a shard.
        progress: called with the number of shards written so far and in all.

    Raises:
        UsageError: such a set cannot be packed, or other data are packed there.
        DataError: it cannot be written.
    """
    _expect_packable(images, shard_size)
    place, findings = Place(address), audit(images)
    parts = split(images, val=val, test=test, seed=seed, duplicates=findings.duplicates)
    order = _order(parts, seed)
    per_shard = max(1, int(shard_size * 1e6) // prod(images.images.shape[1:]))
    table, before = _examples(images, parts, order), find_index(place)
    files = _Files(place, progress)
    shards = files.write_all(images, order.split(per_shard), expected=before)
    content = table.to_parquet()
    examples = files.write(EXAMPLES.format(digest_of(content)[:12]), content)
    index = Index(
        images.name, (len(order), *images.images.shape[1:]), per_shard, images.target.kind,
        images.target.names, images.fit, images.levels, images.licence,
        tuple(asdict(finding) for finding in images.findings), _told(parts), examples, shards,
    )  # fmt: skip
    if before is not None and before.to_bytes() != index.to_bytes():
        raise _other(place)
    place.write(NAME, index.to_bytes())
    return Packed(index, examples.bytes + sum(shard.bytes for shard in shards), files.kept)


def _expect_packable(images: ImageSet, shard_size: float) -> None:
    reasons = {
        "is all there is": images.whole,
        "is a stream, whose images are not counted": images.tail is not None,
        "has masks": images.masks is not None,
    }
    if reason := next((words for words, holds in reasons.items() if holds), ""):
        raise UsageError(
            f"{images.name or 'The set'} {reason}, and is not packed: pictures with classes, "
            "several labels or numbers are."
        )
    if not 0.001 <= shard_size <= 2000:
        raise UsageError(f"--shard-size {shard_size:g}: give megabytes, between 0.001 and 2000.")


def _order(parts: Split, seed: int) -> Int[Tensor, " n"]:
    """The training images, then the others, each part in random order."""
    every = []
    for name in PARTS:
        part = getattr(parts, name)
        every.append(part[torch.randperm(len(part), generator=generator(seed, "pack", name))])
    return torch.cat(every)


def _examples(images: ImageSet, parts: Split, order: Int[Tensor, " n"]) -> Examples:
    found = copies(images, lambda _: None)
    side = torch.full((len(images),), -1)
    for number, name in enumerate(PARTS):
        side[getattr(parts, name)] = number
    return Examples(
        [images.names[i] for i in order.tolist()], images.truth[order], side[order],
        None if images.groups is None else images.groups[order],
        found.exact[order], found.near[order],
    )  # fmt: skip


def _told(parts: Split) -> dict[str, object]:
    """What an index says of the split."""
    counts = {name: len(getattr(parts, name)) for name in PARTS}
    return {
        **counts, "seed": parts.seed, "kept_together": list(parts.kept_together),
        "leakage": parts.leakage, "random_leakage": parts.random_leakage,
    }  # fmt: skip


def _other(place: Place) -> UsageError:
    return UsageError(
        f"{place.address} holds another packed set already, which is not overwritten: name another "
        "folder, or remove it."
    )


class _Files:
    """The files of a set, as they are written."""

    def __init__(self, place: Place, progress: Progress | None):
        self.place, self.progress, self.kept = place, progress, 0
        self._there = {name: one.size for name, one in place.files(needed=False).items()}

    def write(self, name: str, content: bytes) -> File:
        """Write a file, unless it is there."""
        if self._there.get(name) == len(content):  # the name has a digest in it
            self.kept += len(content)
        else:
            self.place.write(name, content)
        return File(name, len(content), digest_of(content))

    def write_all(
        self, images: ImageSet, parts: tuple[Tensor, ...], expected: Index | None
    ) -> tuple[File, ...]:
        """All shards, several at a time; of another set than expected the first one is refused."""

        def one(number: int, at: Tensor) -> File:
            content = packed(images.images[at])
            name = f"shard-{number:06}-{digest_of(content)[:12]}.parquet"
            if expected and (
                number >= len(expected.shards) or expected.shards[number].name != name
            ):
                raise _other(self.place)
            return self.write(name, content)

        files = []
        for file in _in_turn(one, parts):
            files.append(file)
            if self.progress:
                self.progress(len(files), len(parts))
        return tuple(files)


def _in_turn(action: Callable[[int, Tensor], File], parts: tuple[Tensor, ...]) -> Iterator[File]:
    """The results in order, a few ahead of whoever takes them."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        rest = enumerate(parts)
        running: list[Future[File]] = [
            pool.submit(action, *job) for job in islice(rest, 2 * SIDE_BY_SIDE)
        ]
        try:
            while running:
                yield running.pop(0).result()
                running += [pool.submit(action, *job) for job in islice(rest, 1)]
        finally:
            for future in running:
                future.cancel()
