"""Convolution and its transpose, on grids of any number of axes.

Both are the same three tensors seen from different sides: patches P (what lies under each tap at
each place), kernels as a matrix U, and maps. A convolution gathers patches and multiplies,
s = U P(z). Its transpose multiplies and lays the patches down, s = P'(U' z), where P' adds up what
overlaps. So the gradient of each one's input is the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, others, spelled, wide
from cutaway.byhand.operations.windows import NO_BATCH, Setting, Windows, each
from cutaway.errors import UsageError


@dataclass(frozen=True)
class _Kernels(Operation):
    stride: Setting = 1
    padding: str | Setting = 0
    dilation: Setting = 1
    groups: int = 1

    def _windows(self, u: Tensor) -> Windows:
        axes, size = u.ndim - 2, tuple(u.shape[2:])
        dilation = each(self.dilation, axes)
        if self.padding == "same":  # the odd pixel comes after
            total = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
            before, after = tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
        else:
            before = each(0 if isinstance(self.padding, str) else self.padding, axes)
            after = before
        return Windows(size, each(self.stride, axes), dilation, before, after)

    def _check_batch(self, z: Tensor, u: Tensor) -> None:
        if z.ndim != u.ndim:
            raise UsageError(NO_BATCH)

    def _matrix(self, u: Tensor) -> Tensor:
        """(n, c, *size) as (groups, n / groups, c * taps)."""
        return u.reshape(self.groups, u.shape[0] // self.groups, -1)

    def _rows(self, z: Tensor) -> Tensor:
        """(b, n, *places) as (b, groups, n / groups, places)."""
        return z.reshape(len(z), self.groups, -1, prod(z.shape[2:]))

    def _patches(self, x: Tensor, u: Tensor, places: Sequence[int] = ()) -> Tensor:
        """(b, groups, c * taps, places)"""
        view = self._windows(u).gather(x, places)
        return view.reshape(len(x), self.groups, -1, prod(view.shape[u.ndim :]))

    def _lay(
        self, patches: Tensor, u: Tensor, places: Sequence[int], sides: Sequence[int]
    ) -> Tensor:
        parts = patches.reshape(len(patches), -1, *u.shape[2:], *places)
        return self._windows(u).lay(parts, sides)


@spelled(*(f"conv{n}d.{kind}" for n in (1, 2, 3) for kind in ("default", "padding")))
@dataclass(frozen=True)
class Convolution(_Kernels):
    """s(i) = sum_x z(i + x) u(x) + u_0;  dJ/dz(i + x) sums g(i) u(x),
    dJ/du(x) = sum_i g(i) z(i + x)

    Equations 4.10 (one axis) and 4.11 (two), over all channels; with a stride the places i are
    further apart, with a dilation the taps x. The gradients are 4.8 and 4.9 with shared weights.
    """

    def forward(self, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> Tensor:
        self._check_batch(z, u)
        s = self._matrix(u) @ self._patches(z, u)
        s = s.reshape(len(z), len(u), *self._windows(u).places(z.shape[2:]))
        return s if u_0 is None else s + wide(u_0, s)

    def backward(
        self, g: Tensor, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None
    ) -> tuple[Gradient, ...]:
        rows, places = self._rows(g), g.shape[2:]
        return (
            lambda: self._lay(self._matrix(u).mT @ rows, u, places, z.shape[2:]),
            lambda: (rows @ self._patches(z, u).mT).sum(0).reshape(u.shape),
            lambda: g.sum(others(g)),
        )

    def flops(self, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> int:
        return 2 * s.numel() * u[0].numel() + (0 if u_0 is None else s.numel())

    def terms(self, z: Tensor, u: Tensor, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Patch and kernel (c, *taps) whose products add up to one number of s, without u_0.

        Args:
            index: of the number in s: image, channel, place.
        """
        image, channel, *place = index
        patches = self._windows(u).gather(z[image : image + 1])[0]
        there: Any = (..., *place)
        patch = patches[there].unflatten(0, (self.groups, -1))
        return patch[channel // (len(u) // self.groups)], u[channel]


@spelled("conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input")
@dataclass(frozen=True)
class TransposedConvolution(_Kernels):
    """s(i + x) sums z(i) u(x), + u_0;  dJ/dz(i) = sum_x g(i + x) u(x),
    dJ/du(x) = sum_i z(i) g(i + x)

    A convolution read from its output to its input: each number of z lays down a kernel, `stride`
    apart, and what overlaps is added.
    """

    output_padding: Setting = 0

    def forward(self, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> Tensor:
        self._check_batch(z, u)
        patches = self._matrix(u).mT @ self._rows(z)
        s = self._lay(patches, u, z.shape[2:], self._sides(z, self._windows(u)))
        return s if u_0 is None else s + wide(u_0, s)

    def backward(
        self, g: Tensor, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None
    ) -> tuple[Gradient, ...]:
        patches = self._patches(g, u, z.shape[2:])
        return (
            lambda: (self._matrix(u) @ patches).reshape(z.shape),
            lambda: (self._rows(z) @ patches.mT).sum(0).reshape(u.shape),
            lambda: g.sum(others(g)),
        )

    def _sides(self, z: Tensor, w: Windows) -> tuple[int, ...]:
        """The sides whose convolution would have the places of z, and what is added behind."""
        extra = each(self.output_padding, z.ndim - 2)
        rows = zip(z.shape[2:], w.size, w.stride, w.dilation, w.before, w.after, extra, strict=True)
        return tuple((n - 1) * s + d * (k - 1) + 1 - a - b + e for n, k, s, d, a, b, e in rows)

    def flops(self, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> int:
        return 2 * z.numel() * u[0].numel() + (0 if u_0 is None else s.numel())
