"""What is taken over a whole batch, whose rows several processes have; alone it is what it says.

A process's loss counts by its share of the batch, and the losses of all add up to that of the
whole. What one process took over all rows therefore has a gradient from the losses of all.
"""

from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from cutaway.together.share import Share, current
from cutaway.together.team import Team


def total(value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Add up over the processes what each has of a sum over the batch."""
    share = current()
    return value if share is None else _Total.apply(value, share.team)


def gathered(rows: Shaped[Tensor, "m *shape"]) -> Shaped[Tensor, "n *shape"]:
    """The rows of the whole batch, in its order, from those of each process."""
    share = current()
    return rows if share is None else _Gathered.apply(rows, share)


def ratio(above: Float[Tensor, ""], count: Shaped[Tensor, ""]) -> Float[Tensor, ""]:
    """A sum over some rows as a share of their number, as a part of a loss; 0 where none are."""
    share = current()
    if share is None:
        return above / count.clamp(min=1)
    return above / share.team.add(count.clone()).clamp(min=1) / share.weight


def part_of_mean(values: Float[Tensor, "m *shape"]) -> Float[Tensor, ""]:
    """The mean of values of which other processes have more, as a part of a loss."""
    if current() is None:
        return values.mean()
    return ratio(values.sum(), torch.tensor(values.numel(), device=values.device))


def mean(rows: Float[Tensor, "m *shape"]) -> Float[Tensor, "*shape"]:
    """The mean over the batch, in every process."""
    share = current()
    return rows.mean(0) if share is None else total(rows.sum(0)) / share.count


class _Total(torch.autograd.Function):
    """A sum over the processes; its gradient is the sum of what each of them makes of it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, team: Team) -> Tensor:
        ctx.team = team
        return team.add(value.contiguous().clone())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return ctx.team.add(grads[0].contiguous().clone()), None


class _Gathered(torch.autograd.Function):
    """All rows in their order; the gradient of a row is what all processes make of it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, share: Share) -> Tensor:
        ctx.share = share
        size = share.team.size
        whole = rows.new_empty(share.count, *rows.shape[1:])
        for rank, some in enumerate(share.team.stacked(rows.contiguous(), share.counts)):
            whole[rank::size] = some
        return whole

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        team = ctx.share.team
        return team.add(grads[0].contiguous().clone())[team.rank :: team.size], None
