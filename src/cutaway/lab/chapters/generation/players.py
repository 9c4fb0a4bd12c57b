"""A game of two, many tables at once, and the judge of what is drawn."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway import models
from cutaway.data.sources import load
from cutaway.lab.settings import Range
from cutaway.lab.tools.learning import classify
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fid import frechet
from cutaway.learn.fleet.stack import Stack
from cutaway.models.gan import Adversaries
from cutaway.models.mlp import MLP

Latent = Annotated[int, Range(1, 512)]
BATCH = 64


Data = Literal["digits", "mnist"]
MOST = {"digits": (None, None), "mnist": (20_000, 2000)}
"""Examples to learn from and to judge by, at most."""


def digits(seed: int, data: str = "digits") -> tuple[Samples, Samples]:
    """Handwritten digits from -1 (no ink) to 1: to learn from, and to judge by."""
    first, second = (Samples(2 * s.x - 1, s.t) for s in inked(seed, data))
    return first, second


def inked(seed: int, data: str = "digits") -> tuple[Samples, Samples]:
    """The same digits from 0 (no ink) to 1."""
    parts = samples(load(data), seed, *MOST[data])
    low, high = parts[0].x.min(), parts[0].x.max()
    first, second = (Samples((s.x - low) / (high - low), s.t) for s in parts)
    return first, second


def labelled(t: Int[Tensor, "n"], labels: int, g: torch.Generator) -> Int[Tensor, "labels"]:
    """Which examples have a label: as many of each of the ten classes, drawn at random."""
    order = torch.randperm(len(t), generator=g)
    each = [order[t[order] == k][: labels // 10] for k in range(10)]
    return torch.cat(each)


def mlps(latent: int, width: int) -> Adversaries:
    """The first GAN, for digits of 8 x 8 pixels."""
    options = {"latent": latent, "width": width}
    return models.build("gan", 1, 10, 8, options)  # type: ignore[return-value]


class Game:
    """r games side by side: generators G and discriminators D, each player with its Adam.

    D climbs J_D = log D(x) + log(1 - D(G(z))) while G is held (equation 4.15); then G, while D is
    held, descends -log D(G(z)), which has the fixed point of the text's J_G and a gradient while D
    still wins (Goodfellow et al. 2014, section 3).
    """

    def __init__(self, make: Callable[[], Adversaries], replicates: int, x: Tensor, seed: int):
        self.make, self.replicates, self.x, self.seed = make, replicates, x, seed
        self.begin()

    def begin(self) -> None:
        """Both players drawn anew."""
        self.pairs = [self.make() for _ in range(self.replicates)]
        self.latent = self.pairs[0].latent
        self.G = Stack([pair.generator for pair in self.pairs])
        self.D = Stack([pair.discriminator for pair in self.pairs])
        self.adams = [
            torch.optim.Adam(player.parameters(), lr, (0.5, 0.999))
            for player, lr in ((self.G, 1e-3), (self.D, 1e-3))
        ]

    def seeds(self, n: int = BATCH) -> Float[Tensor, "r n z"]:
        return torch.randn(self.replicates, n, self.latent)

    def turn(self, step: int) -> None:
        """One step of D with G fixed, one of G with D fixed."""
        self.teach(step)
        fake = self.G(self.seeds(), apart=True)
        self._move(self.adams[0], F.softplus(-self.D(fake, apart=True)).mean(1))

    def teach(self, step: int) -> None:
        """One step of D with G fixed."""
        with torch.no_grad():
            fake = self.G(self.seeds(), apart=True)
        real = self.D(self.x[batch_of(self.seed, step, len(self.x), BATCH)])
        loss = F.softplus(-real).mean(1) + F.softplus(self.D(fake, apart=True)).mean(1)
        self._move(self.adams[1], loss)

    def _move(self, adam: torch.optim.Adam, loss: Float[Tensor, "r"]) -> None:
        weights = [p for group in adam.param_groups for p in group["params"]]
        for p, slope in zip(weights, torch.autograd.grad(loss.sum(), weights), strict=True):
            p.grad = slope
        adam.step()

    @torch.no_grad()
    def drawn(self, n: int) -> Float[Tensor, "r n 1 h w"]:
        """New images of each generator, at rest."""
        z = self.seeds(n)
        return torch.stack(
            [pair.eval().generate(z[k]) for k, pair in enumerate(self.pairs)]
        ).detach()

    @torch.no_grad()
    def says(self, x: Float[Tensor, "r n 1 h w"]) -> Float[Tensor, "r n"]:
        """D(x): how likely each discriminator, at rest, holds its images to be real."""
        return torch.stack(
            [pair.eval().discriminator(x[k]).sigmoid() for k, pair in enumerate(self.pairs)]
        )

    def far(self, judge: nn.Module, real: Tensor) -> Float[Tensor, "r"]:
        """Frechet distance of as many drawn images as there are real ones."""
        return torch.tensor([distance(judge, real, one) for one in self.drawn(len(real))])


@cache
def judge(seed: int) -> nn.Module:
    """A classifier of the training digits, whose hidden layer says what is alike."""
    learned, _ = digits(seed)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        net = Stack([MLP(64, [64], 10, "relu")])
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    classify(net, lambda step: learned.batch(seed, step, BATCH), optimizer, 400)
    return net.networks[0].requires_grad_(False)


def distance(judge: nn.Module, a: Float[Tensor, "n 1 h w"], b: Float[Tensor, "m 1 h w"]) -> float:
    """The Frechet distance in the judge's hidden layer (Heusel et al. 2017)."""
    f, g = (judge.get_submodule("hidden")(x.flatten(1)).double() for x in (a, b))
    return frechet(f, g)
