"""Optimizers that know the values of the loss and nothing else."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.learn.optim.closure import Closure
from cutaway.learn.optim.vector import VectorOptimizer, require
from cutaway.randomness import generator

GROWTH = 1.5
"""Factor of the step length at a success; a failure takes a quarter of it back, in logarithms."""


class RandomSearch(VectorOptimizer):
    """w' = w + s e with e from N(0, I), kept where it lowers the loss.

    The length s begins at `lr`, grows at each success and shrinks at each failure, so that about
    one trial in five succeeds.

    Source: Rastrigin 1963; Schumer and Steiglitz 1968 for the adaptive length; Rechenberg 1973 for
    the rule of one fifth.

    Args:
        trials: points tried on each batch.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.01, trials: int = 10, seed: int = 0):
        require(trials >= 1, f"trials must be at least 1, not {trials}.")
        super().__init__(params, {"lr": lr, "trials": trials, "seed": seed})

    def step(self, closure: Closure) -> float:  # type: ignore[override]
        memory = self.memory
        memory.setdefault("step", 0)
        draws, scale = self.draws(), memory.get("scale", 1.0)
        w, lowest = self.read(), closure.value()
        for _ in range(self.option("trials")):
            e = torch.randn(self.size, generator=draws).to(w)
            trial = w + self.option("lr") * scale * e
            self.write(trial)
            value = closure.value()
            if value < lowest:
                w, lowest, scale = trial, value, scale * GROWTH
            else:
                scale /= GROWTH**0.25
        self.write(w)
        memory.update(step=memory["step"] + 1, scale=scale)
        return lowest


class EvolutionStrategy(torch.optim.Adam):
    """Adam along a gradient that is estimated from values:

        g = 1 / (2 m sigma) sum_k (r(w + sigma e_k) - r(w - sigma e_k)) e_k,  e_k from N(0, I)

    with r the ranks of the 2 m values, centred in -1/2..1/2, so that only their order counts.

    Source: Salimans et al. 2017, algorithm 1 and section 2 (mirrored draws, rank shaping, Adam).

    Args:
        pairs: m; each costs two evaluations.
        sigma: how far from w the values are taken.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        pairs: int = 16,
        sigma: float = 0.02,
        seed: int = 0,
    ):
        require(pairs >= 1, f"pairs must be at least 1, not {pairs}.")
        require(sigma > 0, f"sigma must be above 0, not {sigma}.")
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay)
        self.pairs, self.sigma, self.seed = pairs, sigma, seed

    @torch.no_grad()
    def step(self, closure: Closure) -> float:  # type: ignore[override]
        parameters = [p for group in self.param_groups for p in group["params"]]
        here = closure.value()
        start = [p.clone() for p in parameters]
        number = int(self.state[parameters[0]].get("step", 0))
        values = torch.tensor([
            self._mirrored(start, parameters, k, number, closure) for k in range(self.pairs)
        ])  # fmt: skip
        r = centred_ranks(values)
        for p, w in zip(parameters, start, strict=True):
            p.copy_(w)
            p.grad = torch.zeros_like(p)
        for k, (plus, minus) in enumerate(r.tolist()):
            for p, e in zip(parameters, self._noise(parameters, number, k), strict=True):
                p.grad.add_(e, alpha=(plus - minus) / (2 * self.pairs * self.sigma))
        super().step()
        return here

    def _mirrored(
        self, start: list[Tensor], parameters: list[Any], k: int, number: int, closure: Closure
    ) -> list[float]:
        """The loss at w + sigma e_k and at w - sigma e_k."""
        noise, values = self._noise(parameters, number, k), []
        for sign in (1, -1):
            for p, w, e in zip(parameters, start, noise, strict=True):
                p.copy_(w + sign * self.sigma * e)
            values.append(closure.value())
        return values

    def _noise(self, parameters: list[Any], number: int, k: int) -> list[Tensor]:
        """e_k of a step, drawn for its two values, and again for the gradient instead of kept."""
        draws = generator(self.seed, "optimizer", number, k)
        return [torch.randn(p.shape, generator=draws).to(p) for p in parameters]


def centred_ranks(values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Evenly from -1/2 for the lowest to 1/2 for the highest value; equal values share a rank."""
    flat = values.flatten()
    below = (flat[:, None] > flat).sum(1) + ((flat[:, None] == flat).sum(1) - 1) / 2
    return (below / max(1, len(flat) - 1) - 0.5).view_as(values)
