"""Second-order steps without a matrix: conjugate gradients on curvature products."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.learn.optim.closure import Closure
from cutaway.learn.optim.damping import DampedOptimizer
from cutaway.learn.optim.vector import require

DECAY = 0.95
"""Share of a solution that the next one begins with (Martens and Sutskever 2012, section 20.8)."""
ARMIJO, SHRINK, SHORTEST = 1e-2, 0.8, 60
"""Fall that a step must bring, what a failed one is shortened by, and how often (Martens 2010)."""


class HessianFree(DampedOptimizer):
    """w' = w + a x, with (B + d I) x = -g solved roughly by conjugate gradients.

    The damping d follows how much of the fall that the quadratic promised came true: below 1/4 it
    grows by 3/2, above 3/4 it shrinks by as much. The step is shortened until the loss falls.

    Source: Martens 2010, sections 4.1 (damping), 4.4 (when to stop) and 4.8 (line search), without
    preconditioning; with the Hessian for B, Steihaug 1983: it stops at negative curvature.

    Args:
        damping: d of the first step.
        iterations: most products a step.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        damping: float = 1.0,
        iterations: int = 50,
        curvature: str = "gauss-newton",
    ):
        require(iterations >= 1, f"iterations must be at least 1, not {iterations}.")
        super().__init__(params, {"lr": lr, "iterations": iterations}, damping, curvature)

    def step(self, closure: Closure) -> float:  # type: ignore[override]
        memory, surface, damping = self.memory, self.surface(closure), self.damping
        g = surface.g

        def damped(v: Tensor) -> Tensor:
            return surface.product(v) + damping * v

        x = conjugate_gradients(
            damped, -g, DECAY * memory.get("x", torch.zeros_like(g)), self.option("iterations")
        )
        promised = (g @ x + x @ surface.product(x) / 2).item()
        if not (g @ x).item() < 0:  # an old solution that leads uphill here
            x, promised = -g, -(g @ g).item()
        f, a = self._search(closure, surface.f, (g @ x).item(), x)
        came_true = (f - surface.f) / promised if promised < 0 else 0.0
        growth = 1.5 if came_true < 0.25 else 2 / 3 if came_true > 0.75 else 1.0
        self.damping = damping * growth
        memory["x"] = x if a else torch.zeros_like(x)
        return surface.f

    def _search(self, closure: Closure, f: float, slope: float, x: Tensor) -> tuple[float, float]:
        """Shorten the step until the loss falls enough; the loss there, and the share taken."""
        w, a = self.read(), float(self.option("lr"))
        for _ in range(SHORTEST):
            self.write(w + a * x)
            loss = closure.value()
            if loss <= f + ARMIJO * a * slope:
                return loss, a
            a *= SHRINK
        self.write(w)
        return f, 0.0


def conjugate_gradients(
    product: Callable[[Tensor], Tensor],
    b: Float[Tensor, " n"],
    x: Float[Tensor, " n"],
    iterations: int,
    tolerance: float = 5e-4,
) -> Float[Tensor, " n"]:
    """A x = b for symmetric A, from a first guess; stops at negative curvature.

    It also stops where q(x) = x'Ax / 2 - b'x has fallen, over the last k = max(10, i / 10)
    iterations, by less than k times `tolerance` of itself.

    Source: Hestenes and Stiefel 1952; Martens 2010, section 4.4.
    """
    r = b - product(x) if x.any() else b.clone()
    p, rr, enough = r.clone(), (r @ r).item(), (torch.finfo(b.dtype).eps * b.norm().item()) ** 2
    q = [-(x @ (r + b)).item() / 2]
    for i in range(1, iterations + 1):
        ap = product(p)
        curvature = (p @ ap).item()
        if not curvature > 0:
            return r if i == 1 and not x.any() else x
        a = rr / curvature
        x, r = x + a * p, r - a * ap
        before, rr = rr, (r @ r).item()
        if rr <= enough:
            break
        p = r + rr / before * p
        q.append(-(x @ (r + b)).item() / 2)
        k = max(10, i // 10)
        if i > k and q[i] < 0 and (q[i] - q[i - k]) / q[i] < k * tolerance:
            break
    return x
