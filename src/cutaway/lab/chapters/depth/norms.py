"""Batch normalisation: how fast, and from which rates and starts."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.data.sources import load
from cutaway.lab.chapters.depth.learner import dense, descend
from cutaway.lab.chapters.depth.starts import Rates, many
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import shares
from cutaway.lab.settings import Batch, Depth, Range, Replicates, Seed, Steps, Width
from cutaway.lab.tools.samples import samples
from cutaway.learn.fleet.stack import Stack

Starts = tuple[Annotated[float, Range(1e-3, 100)], ...]


def forgiving(arrive: Effect, quicker: Effect, more: Effect) -> Verdict:
    """Undecided where neither kind reaches the target from any pair in every replicate. Holds if
    with normalisation the target takes fewer steps at each kind's best setting (the interval of the
    ratio below 0.9) and more pairs of rate and start reach it (the interval above 5 points); with
    limits if one of the two is so and the other is worth less than that; does not hold if both
    are; else undecided."""
    good, idle = [quicker.high < 0.9, more.low > 5], [quicker.low > 0.9, more.high < 5]
    if not arrive.value:
        return Verdict.UNDECIDED
    if all(good):
        return Verdict.HOLDS
    if all(idle):
        return Verdict.FAILS
    return Verdict.LIMITED if any(good) and any(idle) else Verdict.UNDECIDED


@claim(
    "4.4",
    says="Batch normalisation makes networks learn faster, and less depend on rate and start.",
    source="study notes, batch normalisation",
    rule=forgiving,
    baseline="The same network without normalisation, at its own best pair of rate and start; a "
    "constant answer has a log-loss of 2.3 and never reaches the target.",
    revised="29 November 2026: a rule that could not say undecided, now it can; where no network "
    "reaches the target it says so. Run with seeds 3 to 5.",
    otherwise="Batches of a few images, whose statistics are noise, or a network so shallow that "
    "its spread cannot go astray.",
    full={"replicates": 32, "steps": 1500, "rates": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)},
)
def normalisation(
    depth: Depth = 5,
    width: Width = 32,
    rates: Rates = (0.01, 0.1, 1.0, 10.0),
    starts: Starts = (0.3, 1.0, 3.0),
    target: Annotated[float, Range(0.01, 2)] = 0.5,
    replicates: Replicates = 8,
    steps: Steps = 120,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """ReLU networks with and without normalisation learn digits at several rates, from He's start
    times several factors. Counted are the steps until the log-loss of a batch, as a running mean of
    ten, is down to the target."""
    learned, _ = samples(load("digits"), seed)
    taken: dict[str, Float[Tensor, "starts rates replicates"]] = {}
    for name, norm in (("plain", False), ("normalised", True)):
        steps_needed, widths = [], [64, *[width] * depth, 10]
        for factor in starts:
            nets = Stack([dense(widths, norm=norm) for _ in range(len(rates) * replicates)])
            multiply(nets, factor)
            losses = descend(nets, learned, seed, steps, batch, many(rates, replicates))
            steps_needed.append(steps_to(target, losses).view(len(rates), -1))
        taken[name] = torch.stack(steps_needed)
    quickest = {name: best(x) for name, x in taken.items()}
    reached = {name: (x < steps).double().mean((0, 1)) * 100 for name, x in taken.items()}
    steps_taken = "steps to the target, normalised / plain, each at its best"
    pairs_met = "pairs of rate and start that reach it, normalised minus plain"
    rows = [
        (name, factor, *((x < steps).double().mean(1) * 100))
        for name, of in taken.items()
        for factor, x in zip(starts, of, strict=True)
    ]
    plain, normed = (quickest[name].mean().item() for name in taken)
    record = Record()
    record.effects(
        arrive=arriving([*quickest.values()], steps),
        quicker=ratio(steps_taken, quickest["plain"], quickest["normalised"]),
        more=difference(pairs_met, reached["plain"], reached["normalised"], "points"),
    )
    columns = ("network", "start x", *(f"rate {rate:g} (%)" for rate in rates))
    title = f"Runs that reach a log-loss of {target:g} within {steps} steps (%)"
    record.table(title, rows, columns)
    for name, of in taken.items():
        series = [
            shares(f"start x {factor:g}", rates, (row < steps).sum(1).tolist(), replicates)
            for factor, row in zip(starts, of, strict=True)
        ]
        axes = "learning rate", "runs at the target (%)"
        record.curves(f"Runs at the target, {name}", *axes, *series, x_log=True)
    return record.because(f"""
        At the best pair of rate and start the plain network needs {plain:.0f} steps to a log-loss
        of {target:g}, the normalised one {normed:.0f}. Of all {len(rates) * len(starts)} pairs
        {reached["plain"].mean():.0f} % get there without normalisation and
        {reached["normalised"].mean():.0f} % with it: what a start multiplies, the normalisation
        divides out again.
    """)


@torch.no_grad()
def multiply(nets: Stack, factor: float) -> None:
    """Times a factor, all matrices; the biases are 0."""
    for p in nets.weights.values():
        if p.ndim == 3:
            p.mul_(factor)


def arriving(quickest: list[Float[Tensor, "replicates"]], steps: int) -> Effect:
    """Number of the kinds that reach the target in time, with every replicate."""
    what = "kinds that reach the target in every replicate, at their best pair"
    return exact(what, sum(bool((taken < steps).all()) for taken in quickest))


def steps_to(target: float, losses: Float[Tensor, "steps r"], over: int = 10) -> Float[Tensor, "r"]:
    """The first step whose mean of the last `over` losses is at most `target`; else all steps."""
    means = losses.unfold(0, min(over, len(losses)), 1).mean(-1)
    there = means <= target
    first = there.double().argmax(0) + len(losses) - len(means)
    return torch.where(there.any(0), first, len(losses)).double()


def best(taken: Float[Tensor, "starts rates replicates"]) -> Float[Tensor, "replicates"]:
    """The steps at the pair of start and rate with the smallest mean."""
    rows = taken.flatten(0, 1)
    return rows[rows.mean(1).argmin()]
