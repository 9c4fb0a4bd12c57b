"""Valleys of the form w'Aw / 2: one step of Newton's method, and momentum."""

import math
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
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
    with limits if it arrives, but they grow no faster than that; else it does not hold. Products
    are counted as PyTorch carries them out; the clock decides nothing."""
    if left.value > 1e-6:
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


def by_momentum(
    rate: float, curvatures: Float[Tensor, " n"], beta: float, steps: int
) -> Float[Tensor, "t n"]:
    """Paths from w = 1 on lambda w^2 / 2, one for each curvature lambda, with torch.optim.SGD."""
    w = nn.Parameter(torch.ones_like(curvatures))
    optimizer = torch.optim.SGD([w], rate, momentum=beta)
    path = [w.detach().clone()]
    for _ in range(steps):
        w.grad = curvatures * w.detach()
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


def settled(path: Float[Tensor, "t n"], within: float = 1e-3) -> Int[Tensor, " n"]:
    """Steps after which |w| stays within; as many as there were, where it does not."""
    far = (path.abs() > within) | ~path.isfinite()
    return (far * torch.arange(1, len(path) + 1)[:, None]).amax(0).clamp(max=len(path) - 1)


def crossings(path: Float[Tensor, " t"]) -> int:
    """Number of changes of sign before |w| < 0.001."""
    descent = path[: int(settled(path[:, None])) + 1]
    return int((descent[1:] * descent[:-1] < 0).sum())


def damps(along: Effect, across: Effect, slower: Effect, own: Effect, bare: Effect) -> Verdict:
    """Holds if moderate momentum needs fewer steps than none along the valley, across it, and at
    every curvature between, and if strong momentum swings along the valley where none does not;
    with limits if it needs fewer along and across, but more at some curvature between; does not
    hold if it needs more along or across, or if strong momentum does not swing."""
    if min(along.value, across.value) <= 1 or own.value <= bare.value:
        return Verdict.FAILS
    return Verdict.LIMITED if slower.value else Verdict.HOLDS


@claim(
    "3.5",
    says="Momentum damps the steps across a valley and speeds those along it; at a step of 0.02 "
    "and a momentum of 0.99 it makes oscillations of its own.",
    source="statistics lecture, week 4, momentum; Goh 2017, Why momentum really works",
    rule=damps,
    otherwise="A valley without curvatures between its extremes, or a step so short that plain "
    "descent never swings: then momentum has nothing to damp, only to speed.",
    full={"steps": 20_000, "grid": 400},
)
def momentum_in_a_valley(
    rate: Annotated[float, Range(1e-4, 1)] = 0.02,
    steepest: Annotated[float, Range(1.1, 1e4)] = 98.0,
    moderate: Annotated[float, Range(0.01, 0.999)] = 0.8,
    strong: Annotated[float, Range(0.01, 0.9999)] = 0.99,
    steps: Annotated[int, Range(100, 100_000)] = 2500,
    grid: Annotated[int, Range(10, 10_000)] = 160,
    seed: Seed = 0,
) -> Evidence:
    """SGD with and without momentum from the same start on a valley whose curvature is 1 along it
    and 98 across, and on all curvatures between; steps until a thousandth of the way is left."""
    curvatures = torch.logspace(0, math.log10(steepest), grid, dtype=torch.float64)
    betas = (0.0, 0.5, moderate, 0.9, strong)
    paths = {b: by_momentum(rate, curvatures, b, steps) for b in sorted(set(betas))}
    need = {b: settled(path) for b, path in paths.items()}
    slower = 100 * (need[moderate] > need[0.0]).double().mean().item()
    swings = {b: crossings(path[:, 0]) for b, path in paths.items()}
    record = Record()
    record.effects(
        along=exact(
            f"steps along the valley, no momentum / momentum {moderate:g}",
            need[0.0][0] / need[moderate][0],
        ),
        across=exact("the same across the valley", need[0.0][-1] / need[moderate][-1]),
        slower=exact("curvatures between where it needs more steps than none", slower, "%"),
        own=exact(f"sign changes along the valley, momentum {strong:g}", swings[strong]),
        bare=exact("sign changes along the valley without", swings[0.0]),
    )
    rows = [
        {
            "momentum": b,
            "steps along": int(n[0]),
            "steps across": int(n[-1]),
            "sign changes along": swings[b],
            "swings from curvature": (1 - b**0.5) ** 2 / rate if b else 1 / rate,
            "diverges from curvature": 2 * (1 + b) / rate,
        }
        for b, n in need.items()
    ]
    record.table(f"Step {rate:g}, curvatures 1 and {steepest:g}", rows)
    series = [line(f"momentum {b:g}", curvatures, n) for b, n in need.items()]
    axes = "curvature", "steps to a thousandth"
    record.curves("Steps at each curvature", *axes, *series, x_log=True, y_log=True)
    curves = [
        line(f"momentum {b:g}", range(201), paths[b][:201, 0]) for b in (0.0, moderate, strong)
    ]
    record.curves("Along the valley", "steps", "place w", *curves, levels={0.0: "the floor"})
    return record.because(f"""
        With momentum b a curvature c swings once (1 - sqrt(b))^2 < rate c, and then shrinks by
        sqrt(b) a step whatever c is. At {moderate:g} that takes {need[moderate][0]} steps along and
        {need[moderate][-1]} across, without momentum {need[0.0][0]} and {need[0.0][-1]}. But plain
        descent is fast where rate c is near 1: at {slower:.0f} % of the curvatures between momentum
        is the slower one. At {strong:g} every direction swings, also the flat one ({swings[strong]}
        sign changes against {swings[0.0]}), and a thousandth takes {need[strong][0]} steps: more
        than with none at all. What momentum truly buys is a wider range: it is stable up to a
        curvature of 2 (1 + b) / rate instead of 2 / rate.
    """)
