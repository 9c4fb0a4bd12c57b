"""Deep networks of sigmoids that wait for long, and then learn all at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.lab.chapters.neurons.gates import INPUTS, table_of
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, mean, ratio, share_of
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps, Width
from cutaway.randomness import generator

X, XOR = 2 * INPUTS - 1, table_of("xor")[:, None]
CONSTANT = 0.25
"""Mean squared error of the answer 0.5 to all rows."""
LEAVES, KNOWS = 0.9 * CONSTANT, 0.1 * CONSTANT
Weights = list[Float[Tensor, "r _ _"]]
TAUS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sigmoid": (torch.sigmoid, lambda y: y * (1 - y)),
    "tanh": (torch.tanh, lambda y: 1 - y * y),
    "relu": (torch.relu, lambda y: (y > 0).float()),
}
"""Activations, and their slopes by what they answer."""


@dataclass(frozen=True)
class Course:
    """How learning went, looked at every few steps: the error, and how far from 0.5 the output is
    that is furthest from it."""

    every: int
    errors: Float[Tensor, "looks r"]
    away: Float[Tensor, "looks r"]

    def first(self, level: float) -> Int[Tensor, "r"]:
        """The step at which the error first falls below a level; the last one, if it never does."""
        there = self.errors < level
        last = len(there) - 1
        return self.every * torch.where(there.any(0), there.double().argmax(0), last).clamp(min=1)

    @property
    def halfway(self) -> Float[Tensor, "r"]:
        """The distance from 0.5 in the middle of the wait."""
        middle = self.first(LEAVES) // (2 * self.every)
        return self.away.gather(0, middle[None])[0]

    @property
    def jump(self) -> Float[Tensor, "r"]:
        """The steps from where the error leaves that of 0.5 until a tenth of it is left."""
        return (self.first(KNOWS) - self.first(LEAVES)).clamp(min=self.every).double()


def slopes(U: Weights, B: Weights, x: Tensor, t: Tensor, tau: str) -> tuple[Tensor, list[Tensor]]:
    """The outputs, and the gradient of half the mean squared error for all of U, then all of B.

    By hand: for networks this small autograd takes three times as long.
    """
    act, slope = TAUS[tau]
    ys = [x]
    for u, b in zip(U[:-1], B[:-1], strict=True):
        ys.append(act(torch.baddbmm(b, ys[-1], u)))
    y = torch.sigmoid(torch.baddbmm(B[-1], ys[-1], U[-1]))
    d = (y - t) * y * (1 - y) / len(t)
    gU, gB = [], []
    for u, below in zip(reversed(U), reversed(ys), strict=True):
        gU.append(below.mT @ d)
        gB.append(d.sum(1, keepdim=True))
        d = (d @ u.mT) * slope(below)
    return y, [*reversed(gU), *reversed(gB)]


def course(
    tau: str, layers: int, width: int, replicates: int, rate: float, steps: int, gain: float,
    draw: torch.Generator,
) -> Course:  # fmt: skip
    """Gradient descent on all four rows of XOR, from Xavier's start times `gain`, until every
    network knows them."""
    sizes = [2, *[width] * (layers - 1), 1]
    pairs = list(pairwise(sizes))
    U = [
        gain * math.sqrt(6 / (a + b)) * (2 * torch.rand(replicates, a, b, generator=draw) - 1)
        for a, b in pairs
    ]
    B = [torch.zeros(replicates, 1, b) for _, b in pairs]
    x, every, errors, away = X.expand(replicates, 4, 2), max(1, steps // 2000), [], []
    for step in range(steps + 1):
        y, gradients = slopes(U, B, x, XOR, tau)
        if step % every == 0:
            errors.append((y - XOR).square().mean((1, 2)))
            away.append((y - 0.5).abs().amax((1, 2)))
            if (errors[-1] < KNOWS).all():
                break
        for p, g in zip([*U, *B], gradients, strict=True):
            p.sub_(g, alpha=rate)
    return Course(every, torch.stack(errors), torch.stack(away))


def jumps(arrive: Effect, half: Effect, jump: Effect, longer: Effect) -> Verdict:
    """Holds if more than half of the five-layer networks learn in the end, no output is further
    than 0.05 from 0.5 in the middle of the wait, the jump takes less than a quarter of the wait,
    and the wait is more than twice that of two layers; with limits if all is so but the last, and
    the wait is less than twice as long; does not hold if one of the first three is on the other
    side. Of each the whole interval counts; else undecided."""
    if arrive.high < 50 or half.low > 0.05 or jump.low > 0.25:
        return Verdict.FAILS
    if arrive.low <= 50 or half.high >= 0.05 or jump.high >= 0.25:
        return Verdict.UNDECIDED
    if longer.low > 2:
        return Verdict.HOLDS
    return Verdict.LIMITED if longer.high < 2 else Verdict.UNDECIDED


@claim(
    "4.14",
    says="The outputs of a five-layer network all stay at 0.5 for long, and after very many "
    "iterations (160,000, say) it is good all at once.",
    source="MIT 6.034 lecture, demonstration",
    rule=jumps,
    otherwise="Another activation or start: tanh, ReLU, and sigmoids with weights four times as "
    "large hardly wait.",
    baseline="The answer 0.5 to all, with a mean squared error of 0.25; and a network of two "
    "layers. An error that falls exponentially from the first step on takes 21 times as long for "
    "the rest as for the first tenth.",
    evening={"rate": 0.07, "steps": 400_000},
    full={"rate": 0.02, "steps": 1_000_000, "replicates": 64},
)
def waiting(
    layers: Annotated[int, Range(3, 12)] = 5,
    width: Width = 8,
    rate: Rate = 4.0,
    replicates: Replicates = 16,
    steps: Steps = 10_000,
    seed: Seed = 0,
) -> Evidence:
    """Networks of sigmoids, two layers to five, learn XOR by plain gradient descent on the squared
    error. The wait ends when a tenth of the error of 0.5 is gone, the jump when a tenth is left.
    Then half the rate, larger weights and other activations are tried at that depth."""
    arms = arms_of(layers, rate)
    found = {
        name: course(tau, n, width, replicates, r, steps, gain, generator(seed, "4.14", n))
        for name, (tau, n, r, gain) in arms.items()
    }
    deep = found[f"{layers} layers"]
    knows = {name: (one.errors < KNOWS).any(0) for name, one in found.items()}
    of = knows[f"{layers} layers"]
    if of.sum() < 2:
        raise UsageError("Fewer than two networks learned: give more --steps or a larger --rate.")
    waits = {name: one.first(LEAVES).double() for name, one in found.items()}
    wait = waits[f"{layers} layers"]
    jump = ratio("steps of the jump / of the wait", wait[of], deep.jump[of])
    record = Record()
    record.effects(
        arrive=share_of(f"networks of {layers} layers that learn within {steps} steps", of),
        half=mean("distance from 0.5 halfway, the output furthest from it", deep.halfway),
        jump=jump,
        longer=ratio(f"steps of the wait, {layers} layers / 2", waits["2 layers"], wait),
    )
    rows = [
        (name, r, int(waits[name].median()), int(one.jump.median()),
         100 * knows[name].double().mean())
        for (name, one), (_, _, r, _) in zip(found.items(), arms.values(), strict=True)
    ]  # fmt: skip
    columns = "network | rate | wait (steps, median) | jump (steps, median) | learn (%)"
    record.table(f"XOR, layers of {width} units", rows, columns)
    depths = range(2, layers + 1)
    by_depth = over("wait", depths, torch.stack([waits[f"{n} layers"] for n in depths]), True)
    record.curves("Wait against depth", "layers", "steps", by_depth, y_log=True)
    picture(record, deep, int(wait.argsort()[len(wait) // 2]))
    half = waits["half the rate"].median() / wait.median()
    return record.because(f"""
        Networks of {layers} layers wait {wait.median():.0f} steps (median) at a rate of {rate:g},
        those of 2 layers {waits["2 layers"].median():.0f}. Halfway no output is further than
        {deep.halfway.max():.3f} from 0.5. Then the error falls to a tenth in
        {100 * jump.value:.0f} % of the time that they waited. The number of iterations says little:
        half the rate makes the wait {half:.1f} times as long, so that at a rate of
        {rate * wait.median() / 160_000:.2g} it would be 160,000. And the wait is of
        sigmoids from a usual start: {waits["weights x 4"].median():.0f} steps with weights four
        times as large, {waits["tanh, a quarter of the rate"].median():.0f} with tanh and
        {waits["ReLU, a quarter of the rate"].median():.0f} with ReLU at a quarter of the rate
        ({100 * knows["ReLU, a quarter of the rate"].double().mean():.0f} % of these learn). Each
        layer of sigmoids passes on a quarter of the slope at most, and all weights must grow before
        anything changes; then they grow together.
    """)


Arm = tuple[str, int, float, float]
"""Activation, layers, rate, and by what the weights of the start are multiplied."""


def arms_of(layers: int, rate: float) -> dict[str, Arm]:
    """What is tried."""
    return {f"{n} layers": ("sigmoid", n, rate, 1.0) for n in range(2, layers + 1)} | {
        "half the rate": ("sigmoid", layers, rate / 2, 1.0),
        "weights x 4": ("sigmoid", layers, rate, 4.0),
        "tanh, a quarter of the rate": ("tanh", layers, rate / 4, 1.0),
        "ReLU, a quarter of the rate": ("relu", layers, rate / 4, math.sqrt(2)),
    }


def picture(record: Record, course: Course, one: int) -> None:
    """The course of one network."""
    at = [course.every * k for k in range(len(course.errors))]
    record.curves(
        "One network: squared error, and distance of the furthest output from 0.5",
        "steps",
        "error, distance",
        line("error", at, course.errors[:, one]),
        line("furthest output", at, course.away[:, one]),
        levels={CONSTANT: "always 0.5"},
    )
