"""Weight decay in another way than an optimizer's own: in the gradient, or beside it."""

from typing import Any

import torch
from torch import Tensor

from cutaway.learn.recipe import Recipe

Optimizer = torch.optim.Optimizer


def apply_decay(optimizer: Optimizer, recipe: Recipe) -> None:
    """Let the recipe's `decay` take the place of the optimizer's own, where it asks for another.

    It was made without a pull of its own. Matrices and kernels alone are pulled. `l2` adds
    strength / 2 times their squares to the loss; `decoupled` takes rate * strength * w from them
    at each step, whatever the gradient.

    Source: Loshchilov and Hutter 2019, 'Decoupled weight decay regularization', algorithm 2.
    """
    if recipe.decay != "own" and recipe.weight_decay:
        {"l2": _l2, "decoupled": _decoupled}[recipe.decay](optimizer, recipe.weight_decay)


def _decayed(group: dict[str, Any]) -> list[Tensor]:
    return [p for p in group["params"] if p.ndim > 1]


def _l2(optimizer: Optimizer, strength: float) -> None:
    def add_penalty(_: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _, closure = args
        shares, half = closure.shares, strength / 2 / closure.team.size  # each process adds a part

        def more(first: bool) -> Any:
            yield from shares(first)
            for group in optimizer.param_groups:
                if weights := _decayed(group):
                    yield half * torch.stack([w.square().sum() for w in weights]).sum()

        closure.shares = more

    optimizer.register_step_pre_hook(add_penalty)


def _decoupled(optimizer: Optimizer, strength: float) -> None:
    before: list[list[Tensor]] = []

    @torch.no_grad()
    def remember(*_: Any) -> None:
        before[:] = [[w.clone() for w in _decayed(group)] for group in optimizer.param_groups]

    @torch.no_grad()
    def shrink(*_: Any) -> None:
        for group, olds in zip(optimizer.param_groups, before, strict=True):
            for w, old in zip(_decayed(group), olds, strict=True):
                w.sub_(old, alpha=float(group["lr"]) * strength)

    optimizer.register_step_pre_hook(remember)
    optimizer.register_step_post_hook(shrink)
