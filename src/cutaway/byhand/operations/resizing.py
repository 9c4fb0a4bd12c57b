"""Resizing of grids: adaptive pooling and upsampling.

Means and interpolations go axis by axis, each a matrix A with a row for each place of the result:
y = A x on every axis, and so dJ/dx = A' g on every axis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled
from cutaway.byhand.operations.windows import Setting, each


@dataclass(frozen=True)
class _AlongAxes(Operation):
    def _matrices(self, x: Tensor) -> list[Tensor]:
        """For each axis of the grid, (places after, places before)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return _along(x, self._matrices(x))

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (lambda: _along(g, [a.T for a in self._matrices(x)]),)

    def flops(self, y: Tensor, x: Tensor) -> int:
        return max(x.numel(), y.numel())


def _along(x: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    for axis, a in enumerate(matrices, 2):
        x = (x.movedim(axis, -1) @ a.T).movedim(-1, axis)
    return x


@spelled(*(f"adaptive_avg_pool{n}d.default" for n in (1, 2, 3)))
@dataclass(frozen=True)
class AdaptiveMeanPooling(_AlongAxes):
    """y_i = mean of x from floor(i n / m) to ceil((i + 1) n / m);  dJ/dx sums its shares of the g_i

    The n places of an axis become m.
    """

    output_size: Setting = 1

    def _matrices(self, x: Tensor) -> list[Tensor]:
        sizes = each(self.output_size, x.ndim - 2)
        return [_means(n, m, x) for n, m in zip(x.shape[2:], sizes, strict=True)]


def _means(n: int, m: int, like: Tensor) -> Tensor:
    begin, end = _parts(n, m, like)
    place = torch.arange(n, device=like.device)
    inside = (place >= begin[:, None]) & (place < end[:, None])
    return inside.to(like.dtype) / (end - begin)[:, None]


def _parts(n: int, m: int, like: Tensor) -> tuple[Tensor, Tensor]:
    i = torch.arange(m, device=like.device)
    return i * n // m, -(-(i + 1) * n // m)


@spelled(*(f"adaptive_max_pool{n}d.default" for n in (1, 2, 3)))
@dataclass(frozen=True)
class AdaptiveMaxPooling(Operation):
    """y_i = max of x from floor(i n / m) to ceil((i + 1) n / m);  dJ/dx sums the g_i where x is it

    Every part is read with as many places as the longest has; its last place is repeated.
    """

    output_size: Setting = 1

    def forward(self, x: Tensor) -> Tensor:
        return self._taps(x)[0].amax(-1)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        def below() -> Tensor:
            taps, place = self._taps(x)
            first = taps.max(-1, keepdim=True).indices
            where = place.expand_as(taps).gather(-1, first).flatten(2)
            return torch.zeros_like(x).flatten(2).scatter_add_(2, where, g.flatten(2)).view_as(x)

        return (below,)

    def _taps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values (b, c, *after, taps) and where in the flattened grid they stand (*after, taps)."""
        axes = x.ndim - 2
        sizes = each(self.output_size, axes)
        place = torch.zeros((1,) * 2 * axes, dtype=torch.long, device=x.device)
        for axis, (n, m) in enumerate(zip(x.shape[2:], sizes, strict=True)):
            begin, end = _parts(n, m, x)
            taps = torch.arange(int((end - begin).max()), device=x.device)
            where = (begin[:, None] + taps).minimum(end[:, None] - 1)
            shape = [1] * 2 * axes
            shape[axis], shape[axes + axis] = where.shape
            place = place * n + where.reshape(shape)
        place = place.flatten(axes)
        return x.flatten(2)[:, :, place], place


@dataclass(frozen=True)
class _Upsampling(_AlongAxes):
    output_size: Setting | None = None
    scale_factors: Sequence[float] | None = None

    def _matrices(self, x: Tensor) -> list[Tensor]:
        sides = x.shape[2:]
        if self.output_size is not None:
            sizes, scales = each(self.output_size, len(sides)), None
        else:
            scales = self.scale_factors or ()
            sizes = tuple(int(n * s) for n, s in zip(sides, scales, strict=True))
        factors = scales or (None,) * len(sides)
        rows = zip(sides, sizes, factors, strict=True)
        return [self._matrix(n, m, self._step(n, m, s, len(sides)), x) for n, m, s in rows]

    def _step(self, n: int, m: int, scale: float | None, axes: int) -> float:
        """The step from one place of the result to the next, in places of x."""
        return 1 / scale if scale and m != n else n / m

    def _matrix(self, n: int, m: int, step: float, like: Tensor) -> Tensor:
        raise NotImplementedError


@spelled(*(f"upsample_nearest{n}d.vec" for n in (1, 2, 3)))
@dataclass(frozen=True)
class NearestUpsampling(_Upsampling):
    """y_i = x_floor(i n / m);  dJ/dx_j sums the g_i of its copies

    The n places of an axis become m.
    """

    def _step(self, n: int, m: int, scale: float | None, axes: int) -> float:
        # PyTorch forgets the scale where a picture's side is kept or doubled, but not a line's.
        forget = axes == 2 and m in (n, 2 * n)
        return 1 / scale if scale and not forget else n / m

    def _matrix(self, n: int, m: int, step: float, like: Tensor) -> Tensor:
        source = (torch.arange(m, device=like.device) * step).long().clamp(max=n - 1)
        return torch.nn.functional.one_hot(source, n).to(like.dtype)


@spelled("upsample_linear1d.vec", "upsample_bilinear2d.vec", "upsample_trilinear3d.vec")
@dataclass(frozen=True)
class LinearUpsampling(_Upsampling):
    """y_i = (1 - w) x_j + w x_(j+1) at j + w;  dJ/dx_j sums its shares of the g_i

    j + w = (i + 1/2) n / m - 1/2, or i (n - 1) / (m - 1) where `align_corners`.
    """

    align_corners: bool = False

    def _matrix(self, n: int, m: int, step: float, like: Tensor) -> Tensor:
        i = torch.arange(m, dtype=like.dtype, device=like.device)
        at = i * (n - 1) / max(1, m - 1) if self.align_corners else (i + 0.5) * step - 0.5
        at = at.clamp(0, n - 1)
        one_hot: Callable[..., Tensor] = torch.nn.functional.one_hot
        low = at.long()
        w = (at - low)[:, None]
        return (1 - w) * one_hot(low, n) + w * one_hot((low + 1).clamp(max=n - 1), n)
