"""Images that lie elsewhere, as a tensor: what is asked of it is fetched then, and no more.

Such a tensor stands where an image set has its pixels. `images[index]`, `index_select`, slices and
`split` work as on any other; whatever else is asked of all the images needs them in memory, and is
refused where they are too many. Feeds ask here for an order that suits shards, and say what they
will want next; of pixels that are at hand both are nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils._pytree import tree_map_only

from cutaway.errors import DataError

MOST = 4 << 30
"""Bytes of images that are brought into memory at once, at most."""
aten = torch.ops.aten


@runtime_checkable
class Rows(Protocol):
    """Where the images lie.

    Attributes:
        name: what the set is called.
        shape: of one image.
        count: of images.
        digest: what tells their content.
        copies: a cluster number for each image, of exact and of near copies, as `copies` finds.
        per_shard: images that lie together.
        window: shards that are learned from at a time.
    """

    name: str
    shape: tuple[int, ...]
    count: int
    digest: bytes
    copies: tuple[Tensor, Tensor]
    per_shard: int
    window: int

    def take(self, index: Int[Tensor, " m"]) -> UInt8[Tensor, "m ..."]:
        """The images at these positions."""
        ...

    def soon(self, index: Int[Tensor, " m"]) -> None:
        """Begin to fetch what lies at these positions, the first ones first."""
        ...


class Elsewhere(Tensor):
    """Some images in a row that lie elsewhere."""

    rows: Rows
    at: range

    @staticmethod
    def __new__(cls, rows: Rows, at: range | None = None) -> "Elsewhere":
        at = range(rows.count) if at is None else at
        made = Tensor._make_wrapper_subclass(cls, (len(at), *rows.shape), dtype=torch.uint8)
        made.rows, made.at = rows, at
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if (lazy := LAZY.get(func)) and (found := lazy(*args, **kwargs or {})) is not None:
            return found
        args, kwargs = tree_map_only(Elsewhere, Elsewhere.here, (args, kwargs or {}))
        return func(*args, **kwargs)

    def here(self) -> UInt8[Tensor, "n ..."]:
        """All of them in memory.

        Raises:
            DataError: they are too many.
        """
        if self.nbytes > MOST:
            raise DataError(
                f"{self.rows.name} holds {self.nbytes / 1e9:.0f} GB of images, which this would "
                "need in memory at once: pack them at the size that is wanted (cutaway pack "
                "--image-size), or a sample of them."
            )
        return self.rows.take(torch.arange(self.at.start, self.at.stop, self.at.step))

    def positions(self, index: Int[Tensor, " m"]) -> Int[Tensor, " m"]:
        """Where images of these lie among all."""
        index = torch.where(index < 0, index + len(self.at), index)
        if len(index) and not 0 <= int(index.min()) <= int(index.max()) < len(self.at):
            raise IndexError(f"There are {len(self.at)} images.")
        return self.at.start + self.at.step * index

    def numpy(self, *, force: bool = False) -> np.ndarray:
        return self.here().numpy(force=force)

    def tolist(self) -> list[Any]:
        return self.here().tolist()

    def __iter__(self) -> Iterator[Tensor]:
        for some in self.split(self.rows.per_shard):
            yield from some.here() if isinstance(some, Elsewhere) else some

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"Elsewhere({self.rows.name!r}, {tuple(self.shape)})"


def _slice(
    x: Elsewhere, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Elsewhere | None:
    return Elsewhere(x.rows, x.at[start:end:step]) if dim == 0 else None


def _split(x: Elsewhere, size: int | list[int], dim: int = 0) -> list[Elsewhere] | None:
    if dim != 0:
        return None
    sizes = [size] * -(-len(x.at) // size) if isinstance(size, int) else size
    ends = np.cumsum(sizes).tolist()
    return [Elsewhere(x.rows, x.at[end - n : end]) for n, end in zip(sizes, ends, strict=True)] or [
        x
    ]


def _index(x: Elsewhere, indices: list[Tensor | None]) -> Tensor | None:
    first = indices[0] if len(indices) == 1 else None
    if first is None or first.dim() != 1:
        return None
    first = first.nonzero().flatten() if first.dtype in (torch.bool, torch.uint8) else first
    return x.rows.take(x.positions(first.long().cpu()))


def _index_select(x: Elsewhere, dim: int, index: Tensor) -> Tensor | None:
    return x.rows.take(x.positions(index.long().cpu())) if dim == 0 else None


def _select(x: Elsewhere, dim: int, index: int) -> Tensor | None:
    return x.rows.take(x.positions(torch.tensor([index])))[0] if dim == 0 else None


LAZY: dict[Any, Callable[..., Any]] = {
    aten.slice.Tensor: _slice,
    aten.split.Tensor: _split,
    aten.split_with_sizes.default: _split,
    aten.index.Tensor: _index,
    aten.index_select.default: _index_select,
    aten.select.int: _select,
    aten.alias.default: lambda x: x,
    aten.detach.default: lambda x: x,
}
"""What is answered without all of the images."""


def along_shards(
    pixels: Tensor, order: Int[Tensor, " m"], draws: torch.Generator
) -> Int[Tensor, " m"]:
    """An order of training, in which at any time images of few shards come; itself where all images
    are at hand.

    The shards come in random order, and an image of the k-th up to a window of shards later: what
    is needed next is known, and of the shards `window + 1` at a time. Since images lie in random
    order in their shards, neighbours in this order are as unlike as in any other.
    """
    if not isinstance(pixels, Elsewhere):
        return order
    rows = pixels.rows
    turn = torch.randperm(-(-rows.count // rows.per_shard), generator=draws).double()
    later = rows.window * torch.rand(len(order), generator=draws, dtype=torch.float64)
    return order[(turn[order // rows.per_shard] + later).argsort(stable=True)]


def soon(pixels: Tensor, coming: Int[Tensor, " m"]) -> None:
    """Say which images will be asked for, in their order."""
    if isinstance(pixels, Elsewhere):
        pixels.rows.soon(coming)


def in_few_shards(pixels: Tensor, index: Int[Tensor, " n"], most: int) -> Int[Tensor, " m"]:
    """The part of an index that a sample of so many is taken from; all where the images are at
    hand.

    Images elsewhere lie in random order, so the first ones are a fair sample, and in few shards.
    """
    return index[:most] if isinstance(pixels, Elsewhere) else index
