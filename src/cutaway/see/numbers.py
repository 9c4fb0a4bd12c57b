"""A layer in a number: how many directions it uses, how like another it is, how it folds space."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.see.layers import layers
from cutaway.see.probe import probing, resting

Features = Float[Tensor, "n d"]
FOLDING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU)
VALUES = 1 << 20
"""Numbers of inputs that are answered at once."""


def effective_rank(x: Features) -> float:
    """exp of the entropy of the centred features' singular values, as shares of their sum.

    d where all directions are used alike, 1 where a single one is.
    Source: Roy and Vetterli 2007, definition 1.
    """
    values = torch.linalg.svdvals((x - x.mean(0)).double())
    shares = values / values.sum()
    return torch.special.entr(shares).sum().exp().item()


def cka(x: Features, y: Float[Tensor, "n e"]) -> float:
    """Linear centred kernel alignment of two layers' answers to the same n examples, 0 to 1.

    1 where one is a rotation or a multiple of the other, plus a constant.
    Source: Kornblith et al. 2019, equation 4 and section 3.
    """
    x, y = ((a - a.mean(0)).double() for a in (x, y))
    both = torch.linalg.matrix_norm(y.T @ x) ** 2
    return (both / (torch.linalg.matrix_norm(x.T @ x) * torch.linalg.matrix_norm(y.T @ y))).item()


def linear_regions(
    model: nn.Module, a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"], places: int = 1024
) -> int:
    """How many linear pieces of a network of (leaky) ReLUs a straight line from a to b crosses.

    A piece is told from its neighbour by which units are on. Pieces shorter than a step between
    two of the `places` may be missed.
    Source: Montufar et al. 2014; counted along a line as by Raghu et al. 2017.
    """
    folding = {n: m for n, m in layers(model).items() if isinstance(m, FOLDING)}
    on: list[Tensor] = []

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        on.append((y > 0).flatten(1))

    pieces, step = 1, max(1, VALUES // a.numel())
    shares = torch.linspace(0, 1, places, dtype=a.dtype, device=a.device)
    for first in range(0, places - 1, step):
        share = shares[first : first + step + 1].view(-1, *[1] * a.ndim)  # the next begins here
        with torch.no_grad(), resting(model), probing(folding, note):
            model(a + share * (b - a))
        whole = [one for one in on if len(one) == len(share)]  # not of layers that mix examples
        if whole:
            patterns = torch.cat(whole, 1)
            pieces += int((patterns[1:] != patterns[:-1]).any(1).sum())
        on.clear()
    return pieces
