"""Drawn digits before a judge."""

from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.lab.chapters.generation.players import Game, Latent, digits, mlps
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import batch_of
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP


def fooled(strict: Effect, lenient: Effect) -> Verdict:
    """Holds if a fresh network tells drawn digits from real ones in less than 55 % of the cases;
    with limits if only a linear classifier stays below 55 %; does not hold if that one, too, is
    above 55 % (all intervals); else undecided."""
    if strict.high < 55:
        return Verdict.HOLDS
    if strict.low > 55 and lenient.high < 55:
        return Verdict.LIMITED
    return Verdict.FAILS if lenient.low > 55 else Verdict.UNDECIDED


@claim(
    "7.8",
    says="Digits that a GAN draws can hardly be told from real ones: people were right in 52.4 % "
    "of the cases on MNIST, where 50 % is guessing.",
    source="textbook 4.5.2, figure 4-33; Salimans et al. 2016",
    rule=fooled,
    otherwise="A judge who only looks, as people do, or a generator that has learned for longer.",
    full={"replicates": 16, "steps": 20_000, "width": 256},
)
def before_a_judge(
    steps: Steps = 400,
    width: Annotated[int, Range(4, 1024)] = 64,
    latent: Latent = 16,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """GANs of MLPs learn digits of 8 x 8 pixels. Then fresh classifiers learn to tell as many drawn
    as real digits apart, in the same 17 grey levels, and are tested on others; as a control, real
    ones from real ones."""
    learned, _ = digits(seed)
    game = Game(partial(mlps, latent, width), replicates, learned.x, seed)
    for step in range(steps):
        game.turn(step)
    half = len(learned) // 2
    real = learned.x.expand(replicates, *learned.x.shape)
    drawn = ((game.drawn(len(learned)) + 1) * 8).round() / 8 - 1  # 17 grey levels, as the real
    judges = {"network": [64, 64], "linear": []}
    cases = {"drawn or real": (drawn, real), "real or real": (real[:, :half], real[:, half:])}
    right = {
        (judge_, case): _accuracy(widths, *pair, seed)
        for judge_, widths in judges.items()
        for case, pair in cases.items()
    }
    strict, lenient = (right[name, "drawn or real"] for name in judges)
    record = Record()
    record.effects(
        strict=mean("accuracy of a fresh network", strict, "%", SHARE),
        lenient=mean("accuracy of a linear classifier", lenient, "%", SHARE),
        control=mean(
            "accuracy of the network, real from real", right["network", "real or real"], "%"
        ),
    )
    rows = [(j, *(right[j, c].mean().item() for c in cases)) for j in judges]
    record.table("Accuracy (%)", rows, ("judge", *cases))
    parts = [part(j, torch.stack([right[j, c] for c in cases]), SHARE) for j in judges]
    caption = "50 % is guessing; people reached 52.4 % on another GAN's digits."
    record.bars("Real or drawn?", "accuracy (%)", cases, *parts, caption=caption)
    record.images(
        "Real (above) and drawn", (torch.cat([real[0, :8, 0], drawn[0, :8, 0]]) + 1) / 2, columns=8
    )
    record.takes("Longer games, and people who look.")
    return record.because(f"""
        A fresh network tells these GANs' digits from real ones in {strict.mean().item():.1f} % of
        the cases, a linear classifier in {lenient.mean().item():.1f} %; where there is nothing to
        tell, real from real, the network is at {right["network", "real or real"].mean().item():.0f}
        %. The text's 52.4 % is of people, and of digits by which they were not taught. A judge that
        learns from examples of both sees traces that an eye passes over, and it was trained for
        nothing else. To fool people and to draw from the distribution of the data are two goals.
    """)


def _accuracy(
    widths: list[int], a: Float[Tensor, "r n 1 h w"], b: Float[Tensor, "r n 1 h w"], seed: int
) -> Float[Tensor, "r"]:
    """Accuracy (%) of fresh classifiers, taught on two thirds, that tell a from b on the rest."""
    n = min(a.shape[1], b.shape[1])
    cut = 2 * n // 3
    order = torch.randperm(n)
    x = torch.stack([a[:, :n][:, order], b[:, :n][:, order]], 2)
    t = torch.tensor([0.0, 1.0])
    nets = Stack([MLP(64, widths, 1, "relu") for _ in a])

    def losses(step: int) -> Tensor:
        s = nets(x[:, :cut][:, batch_of(seed, step, cut, 32)].flatten(1, 2), apart=True)
        s = s.unflatten(1, (-1, 2))[..., 0]
        return F.binary_cross_entropy_with_logits(s, t.expand_as(s), reduction="none").mean((1, 2))

    minimise(losses, torch.optim.AdamW(nets.parameters(), 3e-3, weight_decay=0.01), 300)
    with torch.no_grad():
        s = nets(x[:, cut:].flatten(1, 2), apart=True).unflatten(1, (-1, 2))[..., 0]
    return 100 * ((s > 0) == (t > 0.5)).double().mean((1, 2))
