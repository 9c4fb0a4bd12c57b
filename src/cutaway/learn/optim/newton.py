"""Newton's method with the whole curvature matrix, for small networks."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.learn.optim.closure import Closure
from cutaway.learn.optim.damping import DampedOptimizer
from cutaway.learn.optim.vector import require

FACTOR, LEAST = 10.0, 1e-6
"""Marquardt's nu, and the smallest damping above zero."""


class Newton(DampedOptimizer):
    """w' = w - lr (B + d I)^-1 g, the damping d raised until the loss falls.

    B is the Hessian: Newton's method; or the Gauss-Newton matrix: Levenberg-Marquardt. Where
    B + d I is not positive definite, or the loss on the batch does not fall, d grows tenfold and
    the step is tried again; a step that is taken divides d by ten.

    Source: Levenberg 1944; Marquardt 1963.

    Args:
        damping: d of the first step; 0: none until it is needed.
        trials: most tries of a step, after which the weights stay where they are.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        damping: float = 1e-2,
        trials: int = 10,
        curvature: str = "hessian",
    ):
        require(trials >= 1, f"trials must be at least 1, not {trials}.")
        super().__init__(params, {"lr": lr, "trials": trials}, damping, curvature)

    def step(self, closure: Closure) -> float:  # type: ignore[override]
        surface = self.surface(closure)
        w, b, damping = self.read(), surface.matrix(), self.damping
        for _ in range(self.option("trials")):
            direction = solve(b, damping, surface.g)
            if direction is not None:
                self.write(w - self.option("lr") * direction)
                if closure.value() < surface.f:
                    self.damping = damping / FACTOR
                    return surface.f
            damping = max(damping * FACTOR, LEAST)
        self.write(w)
        self.damping = damping
        return surface.f


def solve(
    b: Float[Tensor, "n n"], damping: float, g: Float[Tensor, " n"]
) -> Float[Tensor, " n"] | None:
    """x with (B + d I) x = g; None where that matrix is not positive definite."""
    damped = b.clone()
    damped.diagonal().add_(damping)
    factor, failed = torch.linalg.cholesky_ex(damped)
    return None if failed.item() else torch.cholesky_solve(g[:, None], factor)[:, 0]
