"""Valleys of the form w'Aw / 2, and one step of Newton's method."""

import math
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.clock import least_seconds
from cutaway.learn.counting import count_cost
from cutaway.learn.optim import Closure
from cutaway.learn.optim.newton import Newton
from cutaway.randomness import generator


class Valley:
    """(w - w*)'A(w - w*) / 2, curvatures from 1 to `condition` along random axes, from w = 0."""

    def __init__(self, n: int, condition: float, g: torch.Generator):
        axes = torch.linalg.qr(torch.randn(n, n, generator=g, dtype=torch.float64))[0]
        curvatures = torch.logspace(0, math.log10(condition), n, dtype=torch.float64)
        self.A = axes.T @ (curvatures[:, None] * axes)
        self.floor = torch.randn(n, generator=g, dtype=torch.float64)
        self.w = nn.Parameter(torch.zeros(n, dtype=torch.float64))

    @property
    def loss(self) -> Closure:
        def value(_: bool) -> list[Tensor]:
            d = self.w - self.floor
            return [d @ self.A @ d / 2]

        return Closure(value, [self.w])

    def gradient(self) -> None:
        self.loss()

    def newton(self) -> None:
        """One undamped step from w = 0."""
        self.w.data.zero_()
        Newton([self.w], damping=0.0).step(self.loss)

    def left(self) -> float:
        """The share of the distance that is left."""
        return ((self.w.detach() - self.floor).norm() / self.floor.norm()).item()


def one_step(left: Effect, cost: Effect) -> Verdict:
    """Holds if one step leaves less than a millionth of the distance in the worst problem and the
    products that it takes grow faster than the n^2 numbers of the curvature (an exponent above 2);
    with limits if it arrives, but they grow no faster than that; else it does not hold, nor where
    there was no distance to go. Products are counted as PyTorch carries them out; the clock decides
    nothing."""
    if not left.value <= 1e-6:
        return Verdict.FAILS
    return Verdict.HOLDS if cost.value > 2 else Verdict.LIMITED


@claim(
    "3.2",
    says="Newton's method solves a quadratic in one step, at a cost that grows fast with the "
    "number of weights n.",
    source="statistics lecture, week 4, second-order optimisation",
    rule=one_step,
    otherwise="A curvature matrix that is diagonal, sparse or of low rank, so that it need be "
    "neither built nor factorised whole; or products with it alone, as in Newton-CG.",
    baseline="One step of gradient descent at the best step size, 2 / 1001, which leaves 999/1001 "
    "of the distance along the flattest direction and along the steepest.",
    revised="First round: the rule judged the cost by the clock, and now counts operations. Run "
    "then with seeds unseen before.",
    full={"replicates": 16, "sizes": (64, 128, 256, 512, 1024, 2048)},
)
def newton_on_quadratics(
    sizes: tuple[Annotated[int, Range(2, 4096)], ...] = (64, 128, 256, 512),
    condition: Annotated[float, Range(1, 1e6)] = 1000.0,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """One step of Newton's method on valleys a thousand times longer than wide along random axes,
    and one gradient: the floating-point operations of their products, and the processor's time, the
    least of several counts."""
    left, newton, gradient = (np.empty((len(sizes), replicates)) for _ in range(3))
    flops = []
    for i, n in enumerate(sizes):
        for k in range(replicates):
            one = Valley(n, condition, generator(seed, "3.2", n, k))
            gradient[i, k] = 1e3 * least_seconds(one.gradient, 5)
            newton[i, k] = 1e3 * least_seconds(one.newton, 2)
            left[i, k] = one.left()
        flops.append(count_cost(one.newton).flops)
    before, last = sizes[0] if len(sizes) > 1 else 1, sizes[-1]
    cost, clock = (
        (np.log(of[-1] / of[0]) / math.log(last / before)).mean() for of in (flops, newton)
    )
    record = Record()
    record.effects(
        left=exact("share of the distance that one step leaves, at most", left.max()),
        cost=exact(f"exponent of a step's products, {before} to {last} weights", cost),
    )
    rows = [
        {
            "weights n": n,
            "distance left": left[i].max(),
            "operations of products": float(flops[i]),
            "Newton (ms)": newton[i].mean(),
            "gradient (ms)": gradient[i].mean(),
            "matrix (kB)": 8 * n * n / 1000,
        }
        for i, n in enumerate(sizes)
    ]
    record.table("One step", rows)
    series = [over("Newton", sizes, newton), over("gradient", sizes, gradient)]
    axes = "weights n", "time of the processor (ms)"
    record.curves("Cost of a step", *axes, *series, x_log=True, y_log=True)
    return record.because(f"""
        With the exact curvature the step -A^-1 g ends where a quadratic is least, however long its
        valley: at most {left.max():.0e} of the distance was left: rounding. The price is n products
        of a vector with A to write A down, n^2 numbers to keep it and about n^3 / 6 multiplications
        to factorise it. From {before} to {last} weights the operations of the products grew with n
        to the power {cost:.2f}, the processor's time to {clock:.2f}, calls being most of it where n
        is small; at {last} weights a step took {newton[-1].mean() / gradient[-1].mean():.0f} times
        as long as a gradient.
    """)
