"""Reductions: sums, means and variances along axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled


@dataclass(frozen=True)
class _Reduction(Operation):
    dim: Sequence[int] | int | None = None
    keepdim: bool = False

    def _axes(self, x: Tensor) -> list[int]:
        axes = (self.dim,) if isinstance(self.dim, int) else self.dim
        return [axis % x.ndim for axis in axes] if axes else list(range(x.ndim))

    def _back(self, y: Tensor, x: Tensor) -> Tensor:
        """A reduced tensor with the axes that it lost, of length 1."""
        return y.reshape([1 if i in self._axes(x) else n for i, n in enumerate(x.shape)])

    def _count(self, x: Tensor) -> int:
        return torch.Size([x.shape[i] for i in self._axes(x)]).numel()

    def flops(self, y: Tensor, x: Tensor) -> int:
        return x.numel()


@spelled("sum.default", "sum.dim_IntList")
@dataclass(frozen=True)
class Sum(_Reduction):
    """y = sum of x;  dJ/dx = g everywhere"""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(self._axes(x), self.keepdim)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (self._back(g, x).expand_as(x),)


@spelled("mean.default", "mean.dim")
@dataclass(frozen=True)
class Mean(_Reduction):
    """y = sum of x / n;  dJ/dx = g / n everywhere"""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self._axes(x), self.keepdim)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return ((self._back(g, x) / self._count(x)).expand_as(x),)


@spelled("var.correction")
@dataclass(frozen=True)
class Variance(_Reduction):
    """y = sum of (x - mean)^2 / (n - c);  dJ/dx = 2 g (x - mean) / (n - c)"""

    correction: float | None = None

    def forward(self, x: Tensor) -> Tensor:
        return x.var(self._axes(x), correction=self._lost(), keepdim=self.keepdim)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        from_mean = x - x.mean(self._axes(x), keepdim=True)
        return (2 * self._back(g, x) * from_mean / (self._count(x) - self._lost()),)

    def _lost(self) -> float:
        return 1 if self.correction is None else self.correction

    def flops(self, y: Tensor, x: Tensor) -> int:
        return 4 * x.numel()


@spelled("logsumexp.default")
@dataclass(frozen=True)
class LogSumExp(_Reduction):
    """y = log sum e^x;  dJ/dx = g e^(x - y)"""

    def forward(self, x: Tensor) -> Tensor:
        return x.logsumexp(self._axes(x), self.keepdim)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (self._back(g, x) * (x - self._back(y, x)).exp(),)

    def flops(self, y: Tensor, x: Tensor) -> int:
        return 3 * x.numel()
