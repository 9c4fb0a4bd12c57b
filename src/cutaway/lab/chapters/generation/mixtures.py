"""Mixtures of independent pixels, and how far two sets of images are apart."""

import torch
from jaxtyping import Float
from torch import Tensor

Bits = Float[Tensor, "n v"]


class Mixture:
    """P(v) = sum over k of w_k product over i of p_ki^(v_i) (1 - p_ki)^(1 - v_i).

    One component is independent pixels. Learned by EM, from `prior` imagined images of ink and as
    many of none in each component's every pixel.
    """

    def __init__(self, v: Bits, components: int, rounds: int, prior: float, draw: torch.Generator):
        n = len(v)
        share = torch.rand(n, components, generator=draw)
        share = share / share.sum(1, keepdim=True)
        for _ in range(rounds):
            self.w = (share.sum(0) + 1) / (n + components)
            self.p = (share.T @ v + prior) / (share.sum(0)[:, None] + 2 * prior)
            share = self._joint(v).softmax(1)

    def _joint(self, v: Bits) -> Float[Tensor, "n k"]:
        """log of w_k P(v | k)."""
        return v @ self.p.log().T + (1 - v) @ (1 - self.p).log().T + self.w.log()

    def log_likelihood(self, v: Bits) -> Float[Tensor, "n"]:
        return self._joint(v).logsumexp(1)

    def draw(self, n: int, draw: torch.Generator) -> Bits:
        chosen = torch.multinomial(self.w, n, replacement=True, generator=draw)
        return torch.bernoulli(self.p[chosen], generator=draw)


def apart(a: Bits, b: Float[Tensor, "m v"]) -> float:
    """Energy distance of two sets: 2 E|a - b| - E|a - a'| - E|b - b'|, 0 in expectation for two
    sets from one distribution and above 0 for any others.

    Source: Szekely and Rizzo 2013. |a - b| is the root of the number of pixels that differ.
    """
    a, b = a.double(), b.double()
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float(2 * torch.cdist(a, b).mean() - sum(within))
