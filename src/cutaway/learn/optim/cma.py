"""Evolution that learns the shape of the valley: CMA-ES."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.learn.optim.closure import Closure
from cutaway.learn.optim.vector import VectorOptimizer, require


@dataclass(frozen=True)
class Strategy:
    """The constants for n weights and a population of lambda (Hansen 2016, table 1)."""

    n: int
    population: int

    @property
    def mu(self) -> int:
        """The number of parents in a population."""
        return self.population // 2

    @cached_property
    def raw(self) -> Float[Tensor, " population"]:
        """Equation 49."""
        ranks = torch.arange(1, self.population + 1, dtype=torch.float64)
        return math.log((self.population + 1) / 2) - ranks.log()

    @cached_property
    def mu_eff(self) -> float:
        return _effective(self.raw[: self.mu])

    @cached_property
    def c_1(self) -> float:
        """Equation 57."""
        return 2 / ((self.n + 1.3) ** 2 + self.mu_eff)

    @cached_property
    def c_mu(self) -> float:
        """Equation 58."""
        rate = 2 * (self.mu_eff - 2 + 1 / self.mu_eff) / ((self.n + 2) ** 2 + self.mu_eff)
        return min(1 - self.c_1 - 1e-8, rate)

    @cached_property
    def weights(self) -> Float[Tensor, " population"]:
        """Equations 50 to 53: positive ones for the better half, which add up to 1."""
        up, down = self.raw[self.raw > 0].sum(), -self.raw[self.raw < 0].sum()
        alpha = min(
            1 + self.c_1 / self.c_mu if self.c_mu else math.inf,
            1 + 2 * _effective(self.raw[self.mu :]) / (self.mu_eff + 2),
            (1 - self.c_1 - self.c_mu) / (self.n * self.c_mu) if self.c_mu else math.inf,
        )
        return torch.where(self.raw >= 0, self.raw / up, self.raw * alpha / down)

    @cached_property
    def c_sigma(self) -> float:
        """Equation 55."""
        return (self.mu_eff + 2) / (self.n + self.mu_eff + 5)

    @cached_property
    def d_sigma(self) -> float:
        """Equation 55."""
        return 1 + 2 * max(0.0, math.sqrt((self.mu_eff - 1) / (self.n + 1)) - 1) + self.c_sigma

    @cached_property
    def c_c(self) -> float:
        """Equation 56."""
        return (4 + self.mu_eff / self.n) / (self.n + 4 + 2 * self.mu_eff / self.n)

    @cached_property
    def chi(self) -> float:
        """Mean length of a draw from N(0, I)."""
        return math.sqrt(self.n) * (1 - 1 / (4 * self.n) + 1 / (21 * self.n**2))

    @cached_property
    def interval(self) -> int:
        """Generations between two looks at the covariance's axes (appendix B.2)."""
        return max(1, int(1 / ((self.c_1 + self.c_mu) * self.n * 10)))


class CMAES(VectorOptimizer):
    """Draw a population from N(w, sigma^2 C), and move w, sigma and C towards its better half.

    Source: Hansen 2016, 'The CMA evolution strategy: a tutorial', arXiv:1604.00772, appendix A,
    with negative weights. All in float64 on the processor: C is kept, n x n.

    Args:
        lr: sigma of the first generation.
        population: lambda; 0: 4 + 3 ln n.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.1, population: int = 0, seed: int = 0):
        require(population == 0 or population >= 4, f"population must be 0 or at least 4, not "
                f"{population}.")  # fmt: skip
        super().__init__(params, {"lr": lr, "population": population, "seed": seed})
        size = population or 4 + math.floor(3 * math.log(self.size))
        self.strategy = Strategy(self.size, size)

    def step(self, closure: Closure) -> float:  # type: ignore[override]
        if not self.memory:
            self._begin()
        memory, here = self.memory, closure.value()
        w, sigma = self.read(), self.option("lr") * memory["sigma"]
        mean = w.double().cpu()
        z = torch.randn(
            self.strategy.population, self.size, dtype=torch.float64, generator=self.draws()
        )
        y = (z * memory["lengths"]) @ memory["axes"].T  # equation 39
        values = []
        for y_k in y:
            self.write((mean + sigma * y_k).to(w))
            values.append(closure.value())
        order = torch.tensor(values).argsort(stable=True)
        self.write((mean + sigma * self.adapt(y[order])).to(w))
        return here

    def _begin(self) -> None:
        n, memory = self.size, self.memory
        memory |= {"step": 0, "sigma": 1.0, "C": torch.eye(n, dtype=torch.float64)}
        memory |= {"p_c": torch.zeros(n).double(), "p_sigma": torch.zeros(n).double()}
        memory |= {"axes": torch.eye(n, dtype=torch.float64), "lengths": torch.ones(n).double()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        # PyTorch has put it into the weights' type and on their device.
        saved = state_dict["state"].get(0, {})
        tensors = {k: saved[k].clone() for k, v in self.memory.items() if isinstance(v, Tensor)}
        self.memory.update(tensors)

    def adapt(self, y: Float[Tensor, "population n"]) -> Float[Tensor, " n"]:
        """Learn from the steps y of a population, best first; gives the step of the mean.

        Equations 41 to 47.
        """
        m, s = self.memory, self.strategy
        m["step"] += 1
        y_w = s.weights[: s.mu] @ y[: s.mu]
        white = (y @ m["axes"]) / m["lengths"]  # each y in the axes of C, all of one length
        path = m["axes"] @ (s.weights[: s.mu] @ white[: s.mu])
        m["p_sigma"] = (1 - s.c_sigma) * m["p_sigma"] + _gain(s.c_sigma, s.mu_eff) * path
        length = m["p_sigma"].norm().item()
        m["sigma"] *= math.exp(s.c_sigma / s.d_sigma * (length / s.chi - 1))
        fade = math.sqrt(1 - (1 - s.c_sigma) ** (2 * (m["step"] + 1)))
        h = float(length / fade < (1.4 + 2 / (s.n + 1)) * s.chi)
        m["p_c"] = (1 - s.c_c) * m["p_c"] + h * _gain(s.c_c, s.mu_eff) * y_w
        w = torch.where(s.weights >= 0, s.weights, s.weights * s.n / (white.square().sum(1) + 1e-8))
        decay = 1 + s.c_1 * (1 - h) * s.c_c * (2 - s.c_c) - s.c_1 - s.c_mu * s.weights.sum()
        rank_one, rank_mu = torch.outer(m["p_c"], m["p_c"]), (y.T * w) @ y
        m["C"] = decay * m["C"] + s.c_1 * rank_one + s.c_mu * rank_mu
        if m["step"] % s.interval == 0:
            self._look_at_axes()
        return y_w

    def _look_at_axes(self) -> None:
        m = self.memory
        squares, axes = torch.linalg.eigh((m["C"] + m["C"].T) / 2)
        m["axes"], m["lengths"] = axes, squares.clamp(min=1e-20).sqrt()


def _effective(weights: Float[Tensor, " k"]) -> float:
    return (weights.sum() ** 2 / weights.square().sum()).item()


def _gain(c: float, mu_eff: float) -> float:
    return math.sqrt(c * (2 - c) * mu_eff)
