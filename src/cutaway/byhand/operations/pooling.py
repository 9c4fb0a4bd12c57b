"""Pooling: one number for each window, on grids of any number of axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled
from cutaway.byhand.operations.windows import Setting, Windows, each, overhang


@dataclass(frozen=True)
class _Pooling(Operation):
    kernel_size: Setting = 2
    stride: Setting = ()
    padding: Setting = 0

    def _windows(self, x: Tensor, dilation: Setting, ceil_mode: bool) -> Windows:
        axes = x.ndim - 2
        size, before = each(self.kernel_size, axes), each(self.padding, axes)
        stride, apart = each(self.stride, axes) or size, each(dilation, axes)
        rows = zip(x.shape[2:], size, stride, before, apart, strict=True)
        further = [overhang(*row) if ceil_mode else 0 for row in rows]
        after = tuple(p + n for p, n in zip(before, further, strict=True))
        return Windows(size, stride, apart, before, after)


@spelled(*(f"max_pool{n}d.default" for n in (1, 2, 3)))
@dataclass(frozen=True)
class MaxPooling(_Pooling):
    """y_i = max of window i;  dJ/dx sums the g_i of the windows whose (first) maximum x is"""

    dilation: Setting = 1
    ceil_mode: bool = False

    def forward(self, x: Tensor) -> Tensor:
        return self._taps(x)[0].amax(2)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        def below() -> Tensor:
            taps, windows = self._taps(x)
            first = taps.max(2, keepdim=True).indices
            parts = torch.zeros_like(taps).scatter_(2, first, g.unsqueeze(2))
            return windows.lay(parts.unflatten(2, windows.size), x.shape[2:])

        return (below,)

    def window(self, x: Tensor, index: Sequence[int]) -> Tensor:
        """The window (*taps) of one number of y, at its index: image, channel, place."""
        image, channel, *place = index
        taps, windows = self._taps(x)
        there: Any = (image, channel, slice(None), *place)
        return taps[there].unflatten(0, windows.size)

    def _taps(self, x: Tensor) -> tuple[Tensor, Windows]:
        """(b, c, taps, *places)"""
        windows = self._windows(x, self.dilation, self.ceil_mode)
        return windows.gather(x, margin=-inf).flatten(2, x.ndim - 1), windows

    def flops(self, y: Tensor, x: Tensor) -> int:
        size = each(self.kernel_size, x.ndim - 2)
        return y.numel() * (torch.Size(size).numel() - 1)


@spelled(*(f"avg_pool{n}d.default" for n in (1, 2, 3)))
@dataclass(frozen=True)
class MeanPooling(_Pooling):
    """y_i = sum of window i / n_i;  dJ/dx sums the g_i / n_i of the windows that x lies in

    n_i counts the margin too with `count_include_pad`, and is `divisor_override` where that is
    given.
    """

    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        windows = self._windows(x, 1, self.ceil_mode)
        return windows.gather(x).sum(tuple(range(2, x.ndim))) / self._count(x, windows)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        def below() -> Tensor:
            windows = self._windows(x, 1, self.ceil_mode)
            share = (g / self._count(x, windows)).flatten(2).unsqueeze(2)
            parts = share.expand(-1, -1, torch.Size(windows.size).numel(), -1)
            parts = parts.reshape(*g.shape[:2], *windows.size, *g.shape[2:])
            return windows.lay(parts, x.shape[2:])

        return (below,)

    def _count(self, x: Tensor, w: Windows) -> Tensor | int:
        """n_i, the product of how long the window is on each axis."""
        if self.divisor_override:
            return self.divisor_override
        count = torch.ones((), dtype=x.dtype, device=x.device)
        rows = zip(x.shape[2:], w.places(x.shape[2:]), w.size, w.stride, w.before, strict=True)
        for side, places, size, stride, margin in rows:
            begin = torch.arange(places, device=x.device) * stride - margin
            end = (begin + size).clamp(max=side + margin)
            if not self.count_include_pad:
                begin, end = begin.clamp(min=0), end.clamp(max=side)
            count = count.unsqueeze(-1) * (end - begin)
        return count

    def flops(self, y: Tensor, x: Tensor) -> int:
        return y.numel() * torch.Size(each(self.kernel_size, x.ndim - 2)).numel()
