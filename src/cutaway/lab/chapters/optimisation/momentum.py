"""Momentum in a valley, beside plain descent at its own best settings."""

import math
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line
from cutaway.lab.settings import Range


def by_momentum(
    rate: float | Float[Tensor, " n"], curvatures: Float[Tensor, " n"], beta: float, steps: int
) -> Float[Tensor, "t n"]:
    """Paths from w = 1 on lambda w^2 / 2, one for each curvature lambda, number by number those of
    torch.optim.SGD.

    Args:
        rate: one, or one for each path: as its gradient times the rate at a rate of 1, which is the
            same to SGD, with momentum or without.
    """
    path = torch.ones(steps + 1, len(curvatures), dtype=curvatures.dtype)
    steep, velocity, gradient = rate * curvatures, *torch.zeros(2, *path[0].shape).to(path)
    for k in range(steps):
        torch.mul(steep, path[k], out=gradient)
        torch.sub(path[k], velocity.mul_(beta).add_(gradient), out=path[k + 1])
    return path


def settled(path: Float[Tensor, "t n"], within: float = 1e-3) -> Int[Tensor, " n"]:
    """Steps after which |w| stays within; as many as there were, where it does not."""
    far = (path.abs() > within) | ~path.isfinite()
    return (far * torch.arange(1, len(path) + 1)[:, None]).amax(0).clamp(max=len(path) - 1)


def crossings(path: Float[Tensor, " t"]) -> int:
    """Number of changes of sign before |w| < 0.001."""
    descent = path[: int(settled(path[:, None])) + 1]
    return int((descent[1:] * descent[:-1] < 0).sum())


def best_worst(
    curvatures: Float[Tensor, " n"], rates: Float[Tensor, " a"], beta: float, steps: int
) -> tuple[int, float]:
    """The fewest steps, over the rates, after which every curvature has settled; and that rate."""
    paths = by_momentum(
        rates.repeat_interleave(len(curvatures)), curvatures.repeat(len(rates)), beta, steps
    )
    worst = settled(paths).view(len(rates), -1).amax(1)
    k = int(worst.argmin())
    return int(worst[k]), rates[k].item()


def damps(
    along: Effect, across: Effect, best: Effect, wider: Effect, own: Effect, bare: Effect
) -> Verdict:
    """Holds if at the source's step moderate momentum needs fewer steps than none along the valley
    and across it, if each at its own best settings momentum needs fewer for the valley as a whole,
    if the longest step that does not diverge is longer with it, and if strong momentum swings along
    the valley where none does not; with limits if all are so but for the comparison at the best
    settings; else it does not hold. All is computed, and nothing drawn."""
    seen = along.value > 1 and across.value > 1 and wider.value > 1 and own.value > bare.value
    if not seen:
        return Verdict.FAILS
    return Verdict.HOLDS if best.value > 1 else Verdict.LIMITED


@claim(
    "3.5",
    says="Momentum damps the swings across a valley, speeds the way along it and lets larger steps "
    "be taken; at a step of 0.02 and a momentum of 0.99 it makes oscillations of its own.",
    source="statistics lecture, week 4, p. 7 and 8, momentum; Goh 2017, Why momentum really works",
    rule=damps,
    otherwise="A step so short that plain descent never swings: then momentum has nothing to damp, "
    "only to speed. Or a loss of one curvature alone: there plain descent, at its best step, "
    "arrives at once.",
    baseline="Plain descent, at the same step and at the best of as many settings: on curvatures "
    "1 to 98 the best step there can be, 2 / 99, leaves 97/99 of the worst direction each time, "
    "and so needs 339 steps to a thousandth.",
    revised="2026-11-29: the first rule asked momentum to be faster at every curvature at one and "
    "the same step, which plain descent wins wherever that step happens to be its best. Now each "
    "is compared at its own best settings over the whole valley. The claim has no seeds.",
    full={"steps": 20_000, "grid": 400, "tried": 512},
)
def momentum_in_a_valley(
    rate: Annotated[float, Range(1e-4, 1)] = 0.02,
    steepest: Annotated[float, Range(1.1, 1e4)] = 98.0,
    moderate: Annotated[float, Range(0.01, 0.999)] = 0.8,
    strong: Annotated[float, Range(0.01, 0.9999)] = 0.99,
    steps: Annotated[int, Range(100, 100_000)] = 2500,
    grid: Annotated[int, Range(10, 10_000)] = 160,
    tried: Annotated[int, Range(8, 10_000)] = 128,
) -> Evidence:
    """SGD with and without momentum from the same start on a valley whose curvature is 1 along it
    and 98 across, and on all curvatures between, until a thousandth of the way is left. First at
    the source's step; then at the best settings for the valley as a whole, of as many for each:
    that many steps without momentum, and a smaller grid of steps for each of eight momenta."""
    curvatures = torch.logspace(0, math.log10(steepest), grid, dtype=torch.float64)
    paths = {
        b: by_momentum(rate, curvatures, b, steps)
        for b in sorted({0.0, 0.5, moderate, 0.9, strong})
    }
    need = {b: settled(path) for b, path in paths.items()}
    swings = {b: crossings(path[:, 0]) for b, path in paths.items()}
    slower = 100 * (need[moderate] > need[0.0]).double().mean().item()
    alone, moved = at_their_best(curvatures, tried, steps)
    wider = longest(curvatures, moved[2]) / longest(curvatures, 0.0)
    record = Record()
    record.effects(
        along=exact(
            f"steps along the valley, no momentum / momentum {moderate:g}",
            need[0.0][0] / need[moderate][0],
        ),
        across=exact("the same across the valley", need[0.0][-1] / need[moderate][-1]),
        best=exact("steps for the whole valley, each at its best settings", alone[0] / moved[0]),
        wider=exact("longest step that does not diverge, with momentum / without", wider),
        own=exact(f"sign changes along the valley, momentum {strong:g}", swings[strong]),
        bare=exact("sign changes along the valley without", swings[0.0]),
    )
    _valley(record, rate, curvatures, {b: (paths[b], n) for b, n in need.items()}, swings)
    rows = [("none", *alone), ("momentum", *moved)]
    record.table(f"The best of {tried} settings each", rows, " | steps | step size | momentum")
    return record.because(f"""
        With momentum b a curvature c swings once (1 - sqrt(b))^2 < rate c, and then shrinks by
        sqrt(b) a step whatever c is. At {moderate:g} that takes {need[moderate][0]} steps along and
        {need[moderate][-1]} across, without momentum {need[0.0][0]} and {need[0.0][-1]}. Each at
        its best for all curvatures at once, momentum ({moved[2]:.2f}, step {moved[1]:.3f}) needs
        {moved[0]} steps, plain descent (step {alone[1]:.4f}) {alone[0]}; and its longest step is
        {wider:.2f} times as long, 2 (1 + b) / c instead of 2 / c. At one common step, though, plain
        descent is the faster one at {slower:.0f} % of the curvatures between, those near 1 / rate.
        At {strong:g} every direction swings, also the flat one ({swings[strong]} sign changes
        against {swings[0.0]}), and a thousandth takes {need[strong][0]} steps: it helps or hinders,
        as the source says, by how it is set.
    """)


def at_their_best(
    curvatures: Float[Tensor, " n"], tried: int, steps: int
) -> tuple[tuple[int, float, float], tuple[int, float, float]]:
    """Steps, step size and momentum of the best setting without momentum and with it, of as many
    tried for each, on 17 curvatures from end to end."""
    curvatures = curvatures[torch.linspace(0, len(curvatures) - 1, 17).round().long()]
    top = 2 / curvatures.max().item()
    momenta = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
    plain = torch.linspace(0, top, tried + 1, dtype=torch.float64)[1:]
    alone = (*best_worst(curvatures, plain, 0.0, steps), 0.0)
    each = torch.linspace(0, 2 * top, tried // len(momenta) + 1, dtype=torch.float64)[1:]
    moved = min((*best_worst(curvatures, each, b, steps), b) for b in momenta)
    return alone, moved


def longest(curvatures: Float[Tensor, " n"], beta: float) -> float:
    """The longest step, of a fine grid, at which no curvature has grown after 2000 steps."""
    top = 2 / curvatures.max().item()
    rates = top * torch.linspace(0.5, 2.5, 401, dtype=torch.float64)
    ends = by_momentum(rates, curvatures.max().expand(len(rates)), beta, 2000)[-1].abs()
    return rates[ends <= 1 + 1e-9].max().item()


def _valley(
    record: Record,
    rate: float,
    curvatures: Float[Tensor, " n"],
    of: dict[float, tuple[Tensor, Tensor]],
    swings: dict[float, int],
) -> None:
    """Paths and steps at the source's step, by momentum."""
    rows = [
        {
            "momentum": b,
            "steps along": int(n[0]),
            "steps across": int(n[-1]),
            "sign changes along": swings[b],
            "swings from curvature": (1 - b**0.5) ** 2 / rate if b else 1 / rate,
            "diverges from curvature": 2 * (1 + b) / rate,
        }
        for b, (_, n) in of.items()
    ]
    record.table(f"Step {rate:g}, curvatures 1 and {curvatures[-1]:g}", rows)
    series = [line(f"momentum {b:g}", curvatures, n) for b, (_, n) in of.items()]
    axes = "curvature", "steps to a thousandth"
    record.curves("Steps at each curvature", *axes, *series, x_log=True, y_log=True)
    curves = [line(f"momentum {b:g}", range(201), path[:201, 0]) for b, (path, _) in of.items()]
    record.curves("Along the valley", "steps", "place w", *curves, levels={0.0: "the floor"})
