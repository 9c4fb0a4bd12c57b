"""Operations that read a grid by index along an axis: slices, padding, windows, rows.

y holds the numbers of x at certain places; dJ/dx adds up g at the place that each was read from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, spelled
from cutaway.byhand.operations.shapes import Move


def read(x: Tensor, dim: int, places: Tensor) -> Tensor:
    """x at places of one axis; nothing, which is zero, at place -1."""
    y = x.index_select(dim, places.clamp(min=0))
    shape = [1] * x.ndim
    shape[dim] = -1
    return y * (places >= 0).view(shape) if (places < 0).any() else y


def put_back(g: Tensor, dim: int, places: Tensor, x: Tensor) -> Tensor:
    """The reverse of `read`: g added up at the places of x."""
    there = (places >= 0).nonzero().squeeze(1)
    shape = [*g.shape]
    shape[dim] = x.shape[dim]
    return g.new_zeros(shape).index_add(dim, places[there], g.index_select(dim, there))


@dataclass(frozen=True)
class _Places(Move):
    dim: int = 0

    def _places(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return read(x, self.dim, self._places(x))

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (lambda: put_back(g, self.dim % x.ndim, self._places(x), x),)


@spelled("slice.Tensor")
@dataclass(frozen=True)
class Slice(_Places):
    """y = x from start to end in steps;  dJ/dx = g there, 0 elsewhere"""

    start: int | None = None
    end: int | None = None
    step: int = 1

    def _places(self, x: Tensor) -> Tensor:
        cut = slice(self.start, self.end, self.step)
        return torch.arange(x.shape[self.dim], device=x.device)[cut]


@spelled("select.int")
@dataclass(frozen=True)
class Select(_Places):
    """y = x at one place of an axis;  dJ/dx = g there, 0 elsewhere"""

    index: int = 0

    def _places(self, x: Tensor) -> Tensor:
        return torch.tensor([self.index % x.shape[self.dim]], device=x.device)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(self.dim)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return super().backward(g.unsqueeze(self.dim), y, x)


@spelled("unfold.default")
@dataclass(frozen=True)
class Unfold(Move):
    """y = windows along an axis, their taps last;  dJ/dx sums g over the windows that x lies in"""

    dimension: int = 0
    size: int = 1
    step: int = 1

    def forward(self, x: Tensor) -> Tensor:
        return x.unfold(self.dimension, self.size, self.step)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        dim = self.dimension % x.ndim
        windows = torch.arange(x.shape[dim], device=x.device).unfold(0, self.size, self.step)
        parts = g.movedim(-1, dim + 1).flatten(dim, dim + 1)
        return (lambda: put_back(parts, dim, windows.flatten(), x),)


@spelled("pad.default")
@dataclass(frozen=True)
class Pad(Move):
    """y = x with margins;  dJ/dx = g inside, and what the margins copied is added

    `mode` is constant, replicate (the nearest edge), reflect or circular; `pad` counts from the
    last axis.
    """

    pad: Sequence[int] = ()
    mode: str = "constant"
    value: float | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "constant":
            return torch.nn.functional.pad(x, tuple(self.pad), value=self.value or 0.0)
        for dim, places in self._places(x):
            x = read(x, dim, places)
        return x

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        def below() -> Tensor:
            d = g
            for dim, places in self._places(x):
                d = put_back(d, dim, places, x)
            return d

        return (below,)

    def _places(self, x: Tensor) -> list[tuple[int, Tensor]]:
        """For each axis from the last on, where each of its places was read; -1: a constant."""
        pairs = zip(self.pad[::2], self.pad[1::2], strict=True)
        return [
            (x.ndim - 1 - k, self._source(x.shape[-1 - k], before, after).to(x.device))
            for k, (before, after) in enumerate(pairs)
        ]

    def _source(self, n: int, before: int, after: int) -> Tensor:
        i = torch.arange(-before, n + after)
        if self.mode == "constant":
            return torch.where((i < 0) | (i >= n), -1, i)
        if self.mode == "replicate":
            return i.clamp(0, n - 1)
        if self.mode == "circular":
            return i % n
        return n - 1 - (n - 1 - i.abs()).abs()


@spelled("index.Tensor")
@dataclass(frozen=True)
class Index(Move):
    """y_i = x at place k_i;  dJ/dx sums the g_i that were read there

    An axis whose places are left out is read as it is.
    """

    def forward(self, x: Tensor, *places: Tensor | None) -> Tensor:
        return x[_everywhere(places)]

    def backward(
        self, g: Tensor, y: Tensor, x: Tensor, *places: Tensor | None
    ) -> tuple[Gradient, ...]:
        def below() -> Tensor:
            numbered = torch.arange(x.numel(), device=x.device).view_as(x)
            read_from = numbered[_everywhere(places)].flatten()
            return torch.zeros_like(x).flatten().index_add(0, read_from, g.flatten()).view_as(x)

        return (below,)


def _everywhere(places: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
    return tuple(slice(None) if k is None else k for k in places)


@spelled("index_copy.default")
@dataclass(frozen=True)
class IndexCopy(Move):
    """y = x with rows replaced by those of z;  dJ/dx = g elsewhere,  dJ/dz = g at these rows"""

    dim: int = 0

    def forward(self, x: Tensor, index: Tensor, z: Tensor) -> Tensor:
        return x.index_copy(self.dim, index, z)

    def backward(
        self, g: Tensor, y: Tensor, x: Tensor, index: Tensor, z: Tensor
    ) -> tuple[Gradient, ...]:
        return lambda: g.index_fill(self.dim, index, 0), None, g.index_select(self.dim, index)
