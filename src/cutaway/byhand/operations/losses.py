"""Losses: J of outputs o or scores s, and of targets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled, wide


@dataclass(frozen=True)
class _Loss(Operation):
    """Reduction as PyTorch numbers it: 0 none, 1 mean, 2 sum."""

    reduction: int = 1

    def _reduced(self, each: Tensor) -> Tensor:
        return each if self.reduction == 0 else each.mean() if self.reduction == 1 else each.sum()

    def _share(self, g: Tensor, count: int) -> Tensor:
        """dJ by each loss before the reduction."""
        return g / count if self.reduction == 1 else g

    def flops(self, y: Tensor, *x: Tensor) -> int:
        return 4 * x[0].numel()


@spelled("cross_entropy_loss.default")
@dataclass(frozen=True)
class CrossEntropy(_Loss):
    """J = -sum_k t_k log o_k, o = softmax(s);  dJ/ds = g (o sum_k t_k - t),  dJ/dt = -g log o

    For a class as target, t is 1 there and 0 elsewhere, so that delta = t - o as in 4.6. With
    `label_smoothing` a, t becomes (1 - a) t + a / c; with weights of classes it is multiplied by
    them. Targets `ignore_index` count for nothing. The classes lie on axis 1; the mean is over what
    counts.
    """

    ignore_index: int = -100
    label_smoothing: float = 0.0

    def forward(self, s: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        t, counted = self._targets(s, target, weight)
        each = -(t * s.log_softmax(1)).sum(1)
        return each.sum() / counted if self.reduction == 1 else self._reduced(each)

    def backward(
        self, g: Tensor, J: Tensor, s: Tensor, target: Tensor, weight: Tensor | None = None
    ) -> tuple[Gradient, ...]:
        t, counted = self._targets(s, target, weight)
        share = g / counted if self.reduction == 1 else g
        share = share.unsqueeze(1) if share.ndim else share
        below = share * (s.softmax(1) * t.sum(1, keepdim=True) - t)
        if not target.is_floating_point():
            return below, None, None
        by_target = (self.label_smoothing - 1) * s.log_softmax(1) * _each_class(weight, s)
        return below, lambda: share * by_target, None

    def _targets(
        self, s: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor | int]:
        """t like s, and by how much a mean is divided."""
        c, w = s.shape[1], _each_class(weight, s)
        if target.is_floating_point():
            return w * self._smoothed(target, c), target.numel() // c
        known = (target != self.ignore_index).unsqueeze(1)
        t = torch.nn.functional.one_hot(target * known.squeeze(1), c).to(s.dtype).movedim(-1, 1)
        return w * self._smoothed(t, c) * known, (w * t * known).sum()

    def _smoothed(self, t: Tensor, c: int) -> Tensor:
        return (1 - self.label_smoothing) * t + self.label_smoothing / c


def _each_class(weight: Tensor | None, s: Tensor) -> Tensor:
    """A number a class, beside (b, c, *grid)."""
    return wide(s.new_ones(1) if weight is None else weight, s)


@spelled("mse_loss.default")
@dataclass(frozen=True)
class MeanSquaredError(_Loss):
    """J = mean of (o - t)^2;  dJ/do = 2 g (o - t) / n,  dJ/dt = -dJ/do"""

    def forward(self, o: Tensor, t: Tensor) -> Tensor:
        return self._reduced((o - t) ** 2)

    def backward(self, g: Tensor, J: Tensor, o: Tensor, t: Tensor) -> tuple[Gradient, ...]:
        d = 2 * self._share(g, o.numel()) * (o - t)
        return d, -d


@spelled("binary_cross_entropy_with_logits.default")
@dataclass(frozen=True)
class BinaryCrossEntropy(_Loss):
    """J = mean of log(1 + e^s) - t s;  dJ/ds = g (o - t) / n, o = 1 / (1 + e^-s);  dJ/dt = -g s / n

    The cross entropy -t log o - (1 - t) log(1 - o) of probabilities o = sigmoid(s).
    """

    def forward(self, s: Tensor, t: Tensor) -> Tensor:
        return self._reduced(s.clamp(min=0) - t * s + (-s.abs()).exp().log1p())

    def backward(self, g: Tensor, J: Tensor, s: Tensor, t: Tensor) -> tuple[Gradient, ...]:
        share = self._share(g, s.numel())
        return share * (s.sigmoid() - t), -share * s
