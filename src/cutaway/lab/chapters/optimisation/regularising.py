"""Whether the noise of small batches regularises."""

import copy
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.sources import load
from cutaway.lab.chapters.optimisation.noise import until
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.samples import Samples, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP
from cutaway.randomness import generator


def regularises(clean: Effect, noisy: Effect) -> Verdict:
    """Holds if the full batch errs more than the small one by over 1 point with clean and with
    wrong labels (the intervals' lower ends); with limits if with one of them; does not hold if the
    difference lies below 1 point with both (the upper ends); else undecided."""
    more = (clean.low > 1) + (noisy.low > 1)
    if more:
        return (Verdict.LIMITED, Verdict.HOLDS)[more - 1]
    return Verdict.FAILS if max(clean.high, noisy.high) < 1 else Verdict.UNDECIDED


@claim(
    "3.4",
    says="The noise of small batches regularises: it keeps a network from overfitting.",
    source="statistics lecture, week 4, stochastic gradient descent",
    rule=regularises,
    otherwise="Larger networks that learn for long at a high rate: there the noise may lead to "
    "wider minima (Keskar et al. 2017), though a full batch with a gradient penalty gets as far "
    "(Geiping et al. 2022).",
    doubt="Small and large batches are usually compared after as many epochs, or at one rate, and "
    "so at different training losses and with different steps.",
    full={"replicates": 128, "n": 512, "width": 64},
)
def batch_noise(
    small: Annotated[int, Range(1, 1024)] = 8,
    n: Annotated[int, Range(16, 1200)] = 256,
    width: Annotated[int, Range(1, 1024)] = 32,
    rate: Annotated[float, Range(1e-3, 10)] = 0.2,
    full_rate: Annotated[float, Range(1e-3, 10)] = 1.0,
    mislabelled: Annotated[float, Range(0, 0.9)] = 0.2,
    replicates: Replicates = 24,
    seed: Seed = 0,
) -> Evidence:
    """Networks learn from 256 digits each, drawn anew for each, with small batches, and with all
    at once at the same rate and at a rate that the full batch can take; each is tested when its
    training loss first meets the target: 0.05 with clean labels, 0.3 where a fifth of them has
    been drawn at random."""
    arms = ((small, rate), (n, rate), (n, full_rate))
    names = [f"{b} at rate {r:g}" for b, r in arms]
    networks = [MLP(64, [width], 10) for _ in range(replicates)]
    wrong, rows = {}, []
    for labels, share_wrong, target in (("clean", 0.0, 0.05), ("wrong", mislabelled, 0.3)):
        x, t, tested = drawn(n, share_wrong, replicates, seed)
        for (b, r), name in zip(arms, names, strict=True):
            nets = Stack(copy.deepcopy(networks))
            steps, wrong[labels, name] = until(nets, x, t, b, r, target, 6000, seed, tested)
            errors = wrong[labels, name]
            rows.append((labels, name, steps.mean(), errors.mean(), errors.isnan().sum()))

    def beside_small(other: str, labels: str) -> Effect:
        what = f"errors of {other} less {names[0]}, {labels} labels"
        return difference(what, wrong[labels, names[0]], wrong[labels, other], "points")

    effects = {
        "clean": beside_small(names[2], "clean"),
        "noisy": beside_small(names[2], "wrong"),
        "same_clean": beside_small(names[1], "clean"),
        "same_noisy": beside_small(names[1], "wrong"),
    }
    told = {k: f"{e.value:+.2f} points ({e.low:+.2f} to {e.high:+.2f})" for k, e in effects.items()}
    record = Record()
    record.effects(**effects)
    columns = "labels | batch | steps | test errors (%) | never met it"
    record.table("When the training loss meets its target", rows, columns)
    parts = [
        part(name, torch.stack([wrong["clean", name], wrong["wrong", name]])) for name in names
    ]
    groups = ("clean labels", f"{100 * mislabelled:.0f} % drawn at random")
    record.bars("Errors at equal training loss", "test errors (%)", groups, *parts)
    return record.because(f"""
        Stopped at the same training loss, the full batch at rate {full_rate:g} erred
        {told["clean"]} more than batches of {small} at rate {rate:g} with clean labels and
        {told["noisy"]} more with wrong ones; at the same rate {rate:g} it was {told["same_clean"]}
        and {told["same_noisy"]}. What is usually called the noise's doing mixes two things, the
        noise and how far a step goes: where the full batch takes longer steps, as it can, the noise
        is not needed. Nor does it keep these networks from fitting wrong labels: all of them reach
        the loss at which they do.
    """)


def drawn(
    n: int, wrong: float, replicates: int, seed: int
) -> tuple[Float[Tensor, "r n 1 8 8"], Int[Tensor, "r n"], Samples]:
    """For each network n digits of its own, a share of them with labels drawn at random."""
    learned, tested = samples(load("digits"), seed)
    g = generator(seed, "3.4", "draws")
    index = torch.rand(replicates, len(learned), generator=g).argsort(1)[:, :n]
    chance = torch.randint(10, index.shape, generator=g)
    t = torch.where(torch.rand(index.shape, generator=g) < wrong, chance, learned.t[index])
    return learned.x[index], t, tested
