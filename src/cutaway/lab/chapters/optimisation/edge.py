"""The longest step: 2 / lambda_max on a quadratic, and what networks do there."""

import math
from typing import Annotated

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import mse_loss, one_hot

from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.lab.chapters.optimisation.momentum import by_momentum
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.samples import samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP
from cutaway.see.landscape import curvature

SHARES = (0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 1.5)
"""Of 2 / lambda_max: steps on the quadratic."""
CURVATURES = torch.logspace(-2, 0, 16, dtype=torch.float64)


def at_the_edge(wrong: Effect, beyond: Effect, fall: Effect) -> Verdict:
    """Holds if descent on a quadratic shrinks below 2 / lambda_max and grows above it at every step
    tried, and if networks that spend more than 25 % of the evaluations above it (lower end) have a
    loss that rises meanwhile (the whole interval); with limits if the quadratic obeys, but the loss
    of such networks falls (the whole interval); does not hold if the quadratic disobeys; else
    undecided, also where networks never come above it, for then they say nothing of what happens
    there."""
    if wrong.value:
        return Verdict.FAILS
    if not beyond.low > 25:
        return Verdict.UNDECIDED
    if fall.high < 0:
        return Verdict.HOLDS
    return Verdict.LIMITED if fall.low > 0 else Verdict.UNDECIDED


@claim(
    "3.6",
    says="Past a step of 2 / lambda_max, lambda_max being the loss's largest curvature, gradient "
    "descent diverges.",
    source="statistics lecture, week 4, step size; Cohen et al. 2021 for networks",
    rule=at_the_edge,
    otherwise="Networks whose curvature stays where it began, such as very wide ones near their "
    "linear limit: they would diverge as the quadratic does.",
    baseline="A quadratic, which obeys exactly: at 0.99 of the bound it shrinks, at 1.01 it grows.",
    revised="2026-11-29: the rule said 'holds' of networks that never come above the bound, and so "
    "do not test it. As it is now it was run with the seeds 3, 4 and 5, unseen before.",
    full={"replicates": 32, "steps": 2000, "width": 64},
)
def longest_step(
    rate: Annotated[float, Range(1e-4, 1.3)] = 1.0,
    width: Annotated[int, Range(1, 1024)] = 24,
    steps: Annotated[int, Range(10, 100_000)] = 400,
    looks: Annotated[int, Range(2, 1000)] = 10,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Descent on a quadratic at steps around 2 / lambda_max. Then tanh networks learn 400 digits
    with the whole set as one batch; on the way the largest eigenvalue of the Hessian is looked
    for with Lanczos' method and compared with 2 / rate. A network whose loss is no number any more
    is lost, and counts as above the bound with its loss doubled."""
    ends = {s: by_momentum(2 * s, CURVATURES, 0.0, 1000).abs().amax(1) for s in SHARES}
    grew = {s: bool(end[-1] > 1 + 1e-9) for s, end in ends.items()}
    at, sharp, losses = sharpened(rate, width, steps, looks, replicates, seed)
    _, _, wild = sharpened(3 * rate, width, 100, 0, replicates, seed)
    lost = int((~(wild[-1] < wild[0])).sum())
    half = looks // 2
    beyond, fall, left = later(rate, sharp[half:], losses[at[half:]])
    sharp, losses = sharp[:, left], losses[:, left]
    record = Record()
    record.effects(
        wrong=exact(
            "steps on the quadratic, of 7, that disobey", sum(grew[s] != (s > 1) for s in SHARES)
        ),
        beyond=mean("of the later half above 2 / rate, networks", beyond, "%"),
        fall=mean("fall of the loss meanwhile", fall, "%"),
        lost=share("networks lost at three times that rate", lost, replicates),
    )
    rows = [(s, float(end[-1]), grew[s]) for s, end in ends.items()]
    record.table(
        "The quadratic after 1000 steps", rows, "step x lambda_max / 2 | largest |w| | grew"
    )
    cells = [
        (t, sharp[i].mean(), sharp[i].mean().item() * rate / 2, losses[t].mean())
        for i, t in enumerate(at)
    ]
    record.table("The networks, means", cells, "step | largest curvature | times rate / 2 | loss")
    series = [
        line(f"{s:g} x 2 / lambda", range(201), ends[s][:201]) for s in (0.5, 0.99, 1.0, 1.01, 1.1)
    ]
    record.curves("A quadratic", "steps", "largest |w|", *series, y_log=True)
    axes = "steps", "largest curvature"
    title = "Networks: the curvature comes to the step"
    record.curves(title, *axes, over("networks", at, sharp), levels={2 / rate: "2 / rate"})
    curves = over("networks", range(0, len(losses), 4), losses[::4])
    record.curves("Networks: the loss falls nevertheless", "steps", "loss", curves, y_log=True)
    return record.because(f"""
        On a quadratic each direction is multiplied by 1 - rate x curvature a step: it shrinks below
        2 / lambda_max, swings for ever at it, and grows above. A network's curvature changes while
        it learns: {sharp[0].mean():.2f} at the start, where 2 / rate is {2 / rate:g}, at least
        {sharp.mean(1).min():.2f} on the way. In the later half {beyond.mean():.0f} % of the
        evaluations found it above (at the last {sharp[-1].mean():.2f} on average), while the loss
        changed by {-fall.mean():.0f} % and {int((~left).sum())} of {replicates} were lost. Above
        the bound weights swing along the steepest direction, and the swing itself carries them to
        where the valley is wider (Cohen et al. 2021): the bound tells where a network's training
        settles rather than where it breaks. That comes much later: at three times the rate {lost}
        of {replicates} ended above the loss they began with, or at no number.
    """)


def later(
    rate: float, sharp: Float[Tensor, "looks r"], losses: Float[Tensor, "looks r"]
) -> tuple[Float[Tensor, "r"], Float[Tensor, "r"], Bool[Tensor, "r"]]:
    """Per cent of the evaluations above 2 / rate and of the loss that went meanwhile, of each
    network, and whether it is left; what is lost was above at each, and its loss doubled.

    Raises:
        UsageError: all are lost.
    """
    left = sharp.isfinite().all(0)
    if not left.any():
        raise UsageError(f"At a rate of {rate:g} no network is left: take a lower --rate.")
    beyond = 100 * (~(sharp <= 2 / rate)).double().mean(0)
    fall = 100 * (1 - losses[-1] / losses[0])
    return beyond, fall.nan_to_num(-100, neginf=-100).clamp(min=-100), left


def sharpened(
    rate: float, width: int, steps: int, looks: int, replicates: int, seed: int
) -> tuple[list[int], Float[Tensor, "looks r"], Float[Tensor, "steps r"]]:
    """Steps evaluated, the largest curvature there, and the loss at each step, of full batches."""
    learned, _ = samples(load("digits"), seed, train=400)
    t = one_hot(learned.t, 10).float()
    nets = Stack([MLP(64, [width], 10, "tanh") for _ in range(replicates)])
    optimizer = torch.optim.SGD(nets.parameters(), rate)
    at = sorted({round(i * (steps - 1) / (looks - 1)) for i in range(looks)})
    sharp, losses = [], []
    for step in range(steps):
        loss = (nets(learned.x) - t).square().mean((1, 2))
        if step in at:
            sharp.append([_largest(net, learned.x, t, step) for net in nets.networks])
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
    return at, torch.tensor(sharp).view(-1, replicates), torch.stack(losses)


def _largest(net: nn.Module, x: Tensor, t: Tensor, seed: int) -> float:
    """Eigenvalue of the Hessian; no number where the loss is none."""
    if not mse_loss(net(x), t).isfinite():
        return math.nan
    return curvature(net, lambda: mse_loss(net(x), t), 12, seed)[0].max().item()
