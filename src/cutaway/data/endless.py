"""Streams of unknown length: the first items are an image set, and the rest is read as it comes.

The first items (1,000, unless told otherwise) are read as any data set is: they say how large the
images are and which classes there are, and the validation and test images are drawn from them. The
training images are all others, in the order of the stream.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import Any

import torch
from jaxtyping import Int, Shaped, UInt8
from torch import Tensor
from torch.utils.data import IterableDataset

from cutaway.data.dataset import title_of
from cutaway.data.frame import Size
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.items import NoneReadable, from_items
from cutaway.data.pack import Progress
from cutaway.data.target_spec import TargetSpec
from cutaway.errors import DataError, UsageError
from cutaway.randomness import derive, global_streams_kept, reseed_everything

FIRST = 1_000
"""Items that are read before anything is learned; until then they are in memory as they come."""


@dataclass(frozen=True)
class Stream:
    """A stream of (image, target), or of rows with columns, whose length is not known.

        fit("lenet5", Stream(make, first=500), steps=1000)

    Args:
        source: a function that gives an iterator, or an object whose iteration begins anew each
            time, such as an `IterableDataset`. It is asked to begin anew when a run resumes.
        first: items that are read first; the validation and test images are among them.
        classes: their names, where the first items may not show all of them.

    Raises:
        UsageError: it can be read once only, or nothing is to be read first.
    """

    source: Any
    first: int = FIRST
    classes: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.source, Iterator):
            raise UsageError(
                f"A {type(self.source).__name__} can be read once only, and a stream is read anew "
                "when a run resumes: hand in the function that makes it, without calling it."
            )
        if self.first < 10:
            raise UsageError("A stream is divided by its first items: read 10 or more (first=10).")

    @property
    def name(self) -> str:
        """What it is called."""
        given = getattr(self.source, "__name__", "")
        return title_of(self.source) or ("" if given == "<lambda>" else given) or "stream"

    def items(self) -> Iterator[Any]:
        """Its items from the first one on; each draws the same whenever it is read."""
        fixed = hasattr(self.source, "__iter__")
        try:
            with global_streams_kept():
                iterator = iter(self.source if fixed else self.source())
        except TypeError as error:
            raise UsageError(
                f"The stream cannot be begun ({error}): hand in a function without arguments that "
                "gives (image, target) one after another."
            ) from error
        return _drawing_alike(iterator)


def _drawing_alike(iterator: Iterator[Any]) -> Iterator[Any]:
    number, end = 0, object()
    while True:
        with global_streams_kept():
            reseed_everything(derive(0, "stream", number))
            item = next(iterator, end)
        if item is end:
            return
        yield item
        number += 1


def as_stream(data: Any) -> Stream | None:
    """The stream that an object is; None where it is none."""
    if isinstance(data, Stream):
        return data
    indexed = hasattr(data, "__getitem__") and not isinstance(data, IterableDataset)
    if not indexed and (callable(data) or hasattr(data, "__iter__")):
        return Stream(data)
    return None


@dataclass(frozen=True)
class Chunk:
    """Some items of a stream as pixels and targets of the first ones' kind; broken ones left out.

    Attributes:
        positions: of each in the stream, from 0.
    """

    images: UInt8[Tensor, "n *grid c"]
    truth: Shaped[Tensor, "n *any"]
    positions: Int[Tensor, " n"]


@dataclass(frozen=True)
class Tail:
    """How the rest of a stream is read, as an image set of its first items remembers it.

    Attributes:
        positions: in the stream, of the images of the set.
        length: of the stream, where it ended among the first items; else None.
    """

    stream: Stream
    spec: TargetSpec
    positions: Int[Tensor, " n"]
    length: int | None = None

    def chunks(self, like: ImageSet, size: int) -> Iterator[Chunk]:
        """All items from the first on, `size` at a time, as those of a set."""
        items, start = self.stream.items(), 0
        while some := list(islice(items, size)):
            yield self._chunk(some, start, like)
            start += len(some)

    def _chunk(self, some: list[Any], start: int, like: ImageSet) -> Chunk:
        try:
            images, positions = _read(some, like.frame, self.spec, self.stream)
        except NoneReadable:
            return Chunk(like.images[:0], like.truth[:0], torch.zeros(0, dtype=torch.long))
        except DataError as error:
            items = f"Items {start:,} to {start + len(some) - 1:,} of the stream"
            raise DataError(f"{items}: {error}") from None
        return Chunk(images.images, _truth(images, like, start), positions + start)


class _Listed(list[Any]):
    """Some items of a stream, with what the stream says of all."""

    def __init__(self, items: Iterable[Any], stream: Stream):
        super().__init__(items)
        named = stream.classes or getattr(stream.source, "classes", None)
        if isinstance(named, list | tuple):
            self.classes = list(named)
        elif features := getattr(stream.source, "features", None):
            self.features = features


def _read(
    some: list[Any], size: Size, spec: TargetSpec, stream: Stream, progress: Progress | None = None
) -> tuple[ImageSet, Int[Tensor, " n"]]:
    """Some items as an image set, and their positions among them."""
    images, _ = from_items(_Listed(some, stream), size, "", spec, progress)
    positions = [int(name.removeprefix("item/")) for name in images.names]
    return images, torch.tensor(positions, dtype=torch.long)


def from_stream(
    stream: Stream, size: Size, spec: TargetSpec, progress: Progress | None
) -> ImageSet:
    """The first items of a stream as an image set that remembers how to read on.

    Raises:
        UsageError: its items are no pairs, or have no such column.
        DataError: none can be read, or each pixel has a class.
    """
    some = list(islice(stream.items(), stream.first + 1))
    length = len(some) if len(some) <= stream.first else None
    images, positions = _read(some[: stream.first], size, spec, stream, progress)
    if images.masks is not None:
        raise DataError("Streams of masks are not taken: make a list of them, list(...).")
    whole = f"all {length:,} items" if length else f"the first {stream.first:,} items"
    detail = (
        f"The data are a stream: {whole} were read first. Validation and test images are among "
        "them; all others are learned from as they come, but for copies of those."
    )
    return replace(
        images, name=stream.name, findings=(*images.findings, Finding("stream", (), detail)),
        tail=Tail(stream, spec, positions, length),
    )  # fmt: skip


def _truth(images: ImageSet, like: ImageSet, start: int) -> Shaped[Tensor, "n *any"]:
    """The targets of later items, by the classes or the numbers of the first ones."""
    strangers = [name for name in images.classes if name not in like.classes]
    if strangers and like.values is None:
        raise DataError(
            f"The stream has the class '{strangers[0]}' soon after item {start:,}, and none of the "
            f"{len(like):,} images that were read first has: name all classes, "
            "cutaway.Stream(source, classes=[...]), or read more of it first, first=..."
        )
    if like.values is not None:
        assert images.values is not None
        return images.values
    if like.labels is not None:
        return images.label_matrix(like.classes)
    place = torch.tensor([like.classes.index(name) for name in images.classes])
    return place[images.targets]


def digest(pixels: Tensor) -> bytes:
    """What tells an image from all that are not its copies."""
    return blake2b(pixels.contiguous().numpy().data, digest_size=16).digest()
