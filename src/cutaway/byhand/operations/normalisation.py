"""Normalisation: over the batch, over the last axes, and over neighbouring channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, others, over, spelled, wide


@spelled("batch_norm.default")
@dataclass(frozen=True)
class BatchNormalisation(Operation):
    """z = a x^ + b, x^ = (x - m) / r;
    dJ/dx = a (g - mean(g) - x^ mean(g x^)) / r,  dJ/da = sum g x^,  dJ/db = sum g

    While training m and r^2 = variance + eps are the batch's, a function of x; at inference they
    are kept numbers, and dJ/dx = a g / r. Source: Ioffe and Szegedy 2015, section 3.
    """

    training: bool = True
    momentum: float = 0.1
    eps: float = 1e-5

    def forward(
        self,
        x: Tensor,
        a: Tensor | None = None,
        b: Tensor | None = None,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
    ) -> Tensor:
        m, var = self.statistics(x, running_mean, running_var)
        if self.training and running_mean is not None and running_var is not None:
            n = x.numel() // x.shape[1]
            running_mean.lerp_(m, self.momentum)
            running_var.lerp_(var * n / (n - 1), self.momentum)
        z = (x - wide(m, x)) / wide(var + self.eps, x).sqrt()
        z = z if a is None else z * wide(a, x)
        return z if b is None else z + wide(b, x)

    def backward(
        self,
        g: Tensor,
        z: Tensor,
        x: Tensor,
        a: Tensor | None = None,
        b: Tensor | None = None,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
    ) -> tuple[Gradient, ...]:
        m, var = self.statistics(x, running_mean, running_var)
        r = wide(var + self.eps, x).sqrt()
        hat = (x - wide(m, x)) / r
        axes = others(x)

        def below() -> Tensor:
            d = g if a is None else g * wide(a, x)
            if self.training:
                d = d - d.mean(axes, keepdim=True) - hat * (d * hat).mean(axes, keepdim=True)
            return d / r

        return below, lambda: (g * hat).sum(axes), lambda: g.sum(axes), None, None

    def statistics(
        self, x: Tensor, mean: Tensor | None, var: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """m and the variance of each channel."""
        if not self.training and mean is not None and var is not None:
            return mean, var
        return x.mean(others(x)), x.var(others(x), correction=0)

    def flops(self, z: Tensor, *x: Tensor | None) -> int:
        return (8 if self.training else 4) * z.numel()


@spelled("layer_norm.default")
@dataclass(frozen=True)
class LayerNormalisation(Operation):
    """z = a x^ + b, x^ = (x - m) / r;  dJ/dx = (h - mean(h) - x^ mean(h x^)) / r, h = a g,
    dJ/da = sum g x^,  dJ/db = sum g

    m and r^2 = variance + eps are those of the last axes, as many as `normalized_shape` names, for
    each example and place by itself. Source: Ba et al. 2016, equation 4.
    """

    normalized_shape: Sequence[int] = ()
    eps: float = 1e-5

    def forward(self, x: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> Tensor:
        z, _ = self._normalised(x)
        z = z if a is None else z * a
        return z if b is None else z + b

    def backward(
        self, g: Tensor, z: Tensor, x: Tensor, a: Tensor | None = None, b: Tensor | None = None
    ) -> tuple[Gradient, ...]:
        hat, r = self._normalised(x)

        def below() -> Tensor:
            h = g if a is None else g * a
            axes = self.axes
            return (h - h.mean(axes, keepdim=True) - hat * (h * hat).mean(axes, keepdim=True)) / r

        def of(parameter: Tensor | None, values: Tensor) -> Gradient:
            return None if parameter is None else over(values, parameter)

        return below, of(a, g * hat), of(b, g)

    @property
    def axes(self) -> tuple[int, ...]:
        """Those that m and r are of."""
        return tuple(range(-len(self.normalized_shape), 0))

    def _normalised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x^ and r."""
        r = (x.var(self.axes, correction=0, keepdim=True) + self.eps).sqrt()
        return (x - x.mean(self.axes, keepdim=True)) / r, r

    def flops(self, z: Tensor, *x: Tensor | None) -> int:
        return 8 * z.numel()


@dataclass(frozen=True)
class LocalResponseNormalisation(Operation):
    """z_i = x_i / q_i^b, q = k + a S(x^2) / n;  dJ/dx = g / q^b - 2 a b / n x S'(g x / q^(b+1))

    S sums over the `size` = n channels around i, from n // 2 before to (n - 1) // 2 behind; S' the
    other way round. Source: Krizhevsky et al. 2012, section 3.3; textbook ch. 4.4.2.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return x / self._q(x) ** self.beta

    def backward(self, g: Tensor, z: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        q = self._q(x)
        spread = self._around(g * z / q, (self.size - 1) // 2)
        return (g / q**self.beta - 2 * self.alpha * self.beta / self.size * x * spread,)

    def _q(self, x: Tensor) -> Tensor:
        return self.k + self.alpha / self.size * self._around(x * x, self.size // 2)

    def _around(self, x: Tensor, before: int) -> Tensor:
        """Sums of `size` neighbouring channels."""
        margins = before, self.size - 1 - before
        wide = torch.nn.functional.pad(x.movedim(1, -1), margins)
        return wide.unfold(-1, self.size, 1).sum(-1).movedim(-1, 1)

    def flops(self, z: Tensor, x: Tensor) -> int:
        return (self.size + 6) * z.numel()
