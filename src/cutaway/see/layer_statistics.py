"""Statistics of a layer: effective rank, and similarity to another."""

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.see.linear_regions import linear_regions as linear_regions

Features = Float[Tensor, "n d"]


def effective_rank(x: Features) -> float:
    """exp of the entropy of the centred features' singular values, as shares of their sum.

    d where all directions are used alike, 1 where a single one is, 0 where all features are equal.
    Source: Roy and Vetterli 2007, definition 1.
    """
    values = torch.linalg.svdvals((x - x.mean(0)).double())
    if not values.any():
        return 0.0
    shares = values / values.sum()
    return torch.special.entr(shares).sum().exp().item()


def cka(x: Features, y: Float[Tensor, "n e"]) -> float:
    """Linear centred kernel alignment of two layers' outputs for the same n examples, 0 to 1.

    1 where one is a rotation or a multiple of the other, plus a constant.
    Source: Kornblith et al. 2019, equation 4 and section 3.
    """
    x, y = ((a - a.mean(0)).double() for a in (x, y))
    both = torch.linalg.matrix_norm(y.T @ x) ** 2
    return (both / (torch.linalg.matrix_norm(x.T @ x) * torch.linalg.matrix_norm(y.T @ y))).item()
