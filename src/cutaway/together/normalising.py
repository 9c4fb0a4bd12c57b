"""Batch normalisation with the statistics of the whole batch, whose rows several processes have."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from cutaway.together.share import Share
from cutaway.together.team import Team


def batch_norm(
    x: Float[Tensor, "b c *grid"],
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float,
    eps: float,
    share: Share,
) -> Float[Tensor, "b c *grid"]:
    """(x - mean) / sqrt(var + eps) * weight + bias, mean and var over the rows of all processes.

    As `F.batch_norm` while training, running statistics too, which are then the same in every
    process. Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    exact = torch.promote_types(x.dtype, torch.float32)
    mean, var, count = _statistics(x.detach().to(exact), share)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean), momentum)
            running_var.lerp_((var * count / max(count - 1, 1)).to(running_var), momentum)
    ones, zeros = torch.ones_like(mean), torch.zeros_like(mean)
    weight, bias = ones if weight is None else weight, zeros if bias is None else bias
    y: Tensor = _Normalised.apply(x, mean, var, weight, bias, eps, count, share.team)
    return y


def _statistics(x: Tensor, share: Share) -> tuple[Tensor, Tensor, int]:
    """Mean, variance and number of the values of each channel, over all processes.

    From the means and variances of each, which loses no digits as sums of squares would.
    Source: Chan et al. 1979, equation 2.1.
    """
    # The kernel that batch normalisation itself has for them: 15 times as fast as `var_mean`.
    mean, var = torch.batch_norm_update_stats(x, None, None, 0.0)
    own = torch.cat([mean.new_tensor([x.numel() / x.shape[1]]), mean, var])
    found = torch.stack(share.team.stacked(own[None], [1] * share.team.size)).flatten(0, 1).double()
    counts, means, variances = found[:, :1], *found[:, 1:].chunk(2, 1)
    count = counts.sum()
    whole = (counts * means).sum(0) / count
    spread = (counts * (variances + (means - whole).square())).sum(0) / count
    return whole.to(mean), spread.to(var), int(count)


class _Normalised(torch.autograd.Function):
    """Normalised by statistics that depend on every row of every process.

    PyTorch's own kernel for fixed statistics does most of it; what their dependence on x adds is
    -(sum of dy + xhat * sum of (dy * xhat)) * weight / (sqrt(var + eps) * count), both sums over
    all processes.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor, eps: float,
        count: int, team: Team,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, mean, var, weight)
        ctx.eps, ctx.count, ctx.team = eps, count, team
        return F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, var, weight = ctx.saved_tensors
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            grads[0], x, weight, mean, var, None, None, False, ctx.eps, [True, True, True]
        )
        both = ctx.team.add(torch.stack([dbias, dweight]))
        scale = (var + ctx.eps).rsqrt()
        slope = -weight * scale * both[1] / ctx.count * scale
        level = -weight * scale * both[0] / ctx.count - slope * mean
        shape = (1, -1, *[1] * (x.ndim - 2))
        dx.addcmul_(x, slope.to(x).view(shape)).add_(level.to(x).view(shape))
        return dx, None, None, dweight, dbias, None, None, None
