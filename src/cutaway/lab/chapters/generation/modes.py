"""A world whose modes are known, games of two that are played in it, and what is drawn of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Points = Float[Tensor, "*r n 2"]
Weights = list[Tensor]


@dataclass(frozen=True)
class Ring:
    """Normal distributions of one width, at equal distances on a circle of radius 1."""

    modes: int = 8
    sigma: float = 0.1

    @property
    def centres(self) -> Float[Tensor, "modes 2"]:
        turn = torch.arange(self.modes) * 2 * math.pi / self.modes
        return torch.stack([turn.cos(), turn.sin()], 1)

    def draw(self, *shape: int, g: torch.Generator, kept: int | None = None) -> Points:
        """Examples of the first `kept` modes, by default of all, each as likely as the others."""
        which = torch.randint(kept or self.modes, shape, generator=g)
        return self.centres[which] + self.sigma * torch.randn(*shape, 2, generator=g)

    def shares(self, y: Points) -> Float[Tensor, "*r modes"]:
        """The share of points that are within three sigma of each centre."""
        near = torch.cdist(y, self.centres.expand(*y.shape[:-2], -1, -1)) < 3 * self.sigma
        return near.double().mean(-2)

    def covered(self, y: Points) -> Float[Tensor, "*r"]:
        """The modes (%) that have at least half of their part of all that is drawn: noise that is
        spread evenly about the ring covers none."""
        return 100 * (self.shares(y) >= 0.5 / self.modes).double().mean(-1)

    def good(self, y: Points) -> Float[Tensor, "*r"]:
        """Points (%) within three sigma of a centre; 98.9 in truth."""
        return 100 * self.shares(y).sum(-1)


def precision(real: Points, drawn: Points, k: int = 3) -> Float[Tensor, "*r"]:
    """Drawn points (%) that lie nearer to a real one than its k-th nearest neighbour among the real
    ones. Recall is the same with real and drawn exchanged.

    Source: Kynkaanniemi et al. 2019, section 3.
    """
    nearest = torch.cdist(real, real).topk(k + 1, -1, largest=False).values  # itself among them
    inside = torch.cdist(drawn, real) <= nearest[..., None, :, k]
    return 100 * inside.any(-1).double().mean(-1)


def recall(real: Points, drawn: Points, k: int = 3) -> Float[Tensor, "*r"]:
    return precision(drawn, real, k)


def smoothed(x: Float[Tensor, "m 2"], n: int, g: torch.Generator) -> Float[Tensor, "n 2"]:
    """Draws of a kernel density: an example, and noise of the width under which some of the
    examples are likeliest, each given all others."""
    d = torch.cdist(x[:250], x).square().fill_diagonal_(torch.inf)
    likely = {h: (-d / (2 * h**2)).logsumexp(1).sum() - 2 * len(d) * math.log(h) for h in WIDTHS}
    best = max(likely, key=lambda h: likely[h])
    chosen = torch.randint(len(x), (n,), generator=g)
    return x[chosen] + best * torch.randn(n, 2, generator=g)


WIDTHS = tuple(0.02 * 2 ** (i / 2) for i in range(6))


def close(f: Float[Tensor, "r n a"], T: Float[Tensor, "r a b c"], minibatches: int = 1) -> Tensor:
    """Minibatch discrimination (`models.parts.layers`) of r networks, (r, n, b); the n examples are
    so many minibatches, one after the other."""
    r, _, b, c = T.shape
    m = torch.bmm(f, T.flatten(2)).view(r * minibatches, -1, b * c).transpose(1, 2)
    m = m.reshape(r * minibatches, b, c, -1)
    apart = (m[..., :, None] - m[..., None, :]).abs().sum(2)
    return torch.exp(-apart).sum(-1).transpose(1, 2).reshape(r, -1, b)


class Player:
    """r networks of two hidden layers, their weights side by side; `kernels` of minibatch
    discrimination are added to the last layer's inputs, where there are any."""

    def __init__(self, r: int, sizes: Sequence[int], slope: float, g: torch.Generator,
                 kernels: int = 0):  # fmt: skip
        def uniform(a: int, *shape: int) -> Tensor:
            return ((2 * torch.rand(r, *shape, generator=g) - 1) / a**0.5).requires_grad_()

        self.slope, last = slope, len(sizes) - 2
        inputs = [a + kernels * (i == last) for i, a in enumerate(sizes[:-1])]
        ends = zip(inputs, sizes[1:], strict=True)
        self.layers = [(uniform(a, a, b), uniform(a, 1, b)) for a, b in ends]
        T = torch.randn(r, sizes[-2], kernels, 2, generator=g) / sizes[-2] ** 0.5
        self.kernels = [T.requires_grad_()] if kernels else []

    def parameters(self) -> Weights:
        return [p for layer in self.layers for p in layer] + self.kernels

    def __call__(self, x: Float[Tensor, "r n a"], minibatches: int = 1) -> Float[Tensor, "r n b"]:
        """The outputs for examples of so many minibatches."""
        for W, b in self.layers[:-1]:
            x = F.leaky_relu(torch.baddbmm(b, x, W), self.slope)
        for T in self.kernels:
            x = torch.cat([x, close(x, T, minibatches)], 2)
        W, b = self.layers[-1]
        return torch.baddbmm(b, x, W)


@dataclass(frozen=True)
class Kind:
    """A kind of game.

    Attributes:
        kernels: of minibatch discrimination.
        momentum: of Adam; 0.9 is what it comes with, 0.5 what those who made DCGAN take.
        rate: that of 0.0003, 0.001, 0.003 and 0.01 with which it covers most modes, in games of a
            seed (100) that is in no result.
    """

    kernels: int
    momentum: float
    rate: float


class Duel:
    """r games of algorithm 4-2 side by side, for points: D climbs equation 4.15, G descends
    -log D(G(z)), as in `players.Game`."""

    def __init__(self, kind: Kind, x: Float[Tensor, "r n 2"], width: int, g: torch.Generator):
        self.x, self.g, r = x, g, len(x)
        own = width if kind.kernels else equal(width)
        self.G = Player(r, [2, width, width, 2], 0.0, g)
        self.D = Player(r, [2, own, own, 1], 0.2, g, kind.kernels)
        self.adams = [
            torch.optim.Adam(player.parameters(), kind.rate, (kind.momentum, 0.999), fused=True)
            for player in (self.G, self.D)
        ]

    def drawn(self, n: int) -> Float[Tensor, "r n 2"]:
        return self.G(torch.randn(len(self.x), n, 2, generator=self.g))

    def turn(self, batch: int) -> None:
        """One step of D with G fixed, one of G with D fixed."""
        r, n, _ = self.x.shape
        with torch.no_grad():
            fake = self.drawn(batch)
        chosen = torch.randint(n, (r, batch, 1), generator=self.g).expand(-1, -1, 2)
        s = self.D(torch.cat([self.x.gather(1, chosen), fake], 1), 2)
        self._move(1, F.softplus(-s[:, :batch]).mean(1) + F.softplus(s[:, batch:]).mean(1))
        self._move(0, F.softplus(-self.D(self.drawn(batch))).mean(1))

    def _move(self, player: int, loss: Float[Tensor, "r 1"]) -> None:
        weights = (self.G, self.D)[player].parameters()
        for p, slope in zip(weights, torch.autograd.grad(loss.sum(), weights), strict=True):
            p.grad = slope
        self.adams[player].step()


KERNELS = 3


def equal(width: int, kernels: int = KERNELS) -> int:
    """The width of a discriminator without minibatch discrimination that has as many weights."""
    whole = _weights(width) + kernels * (2 * width + 1)
    return min(range(width, 2 * width + 9), key=lambda w: abs(_weights(w) - whole))


def _weights(width: int) -> int:
    return sum((a + 1) * b for a, b in pairwise([2, width, width, 1]))
