"""A wave, the points that are known of it, and networks through them: for `solutions`, `spaces`
and `marks`."""

import math
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.settings import Range
from cutaway.lab.tools.learning import minimise
from cutaway.learn.fleet.stack import Stack
from cutaway.models.siren import SineLayer, relu_layer
from cutaway.randomness import derive, generator

Points = tuple[Annotated[int, Range(2, 10_000)], ...]
Steps = Annotated[int, Range(10, 100_000)]
FLAT = 0.7
"""Distance of a flat line from a wave of height 1, root mean square."""
INSIDE, OUTSIDE = 1.0, 2.0
"""Data lie within -1 and 1; it is asked about up to twice as far."""
FREQUENCY = 2 * math.pi / 0.9
FASTEST = 20.0
"""Starts of w lie between 0 and this: nothing of the truth, 6.98, is in them."""


def truth(x: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """A wave of period 0.9, two of which fit between -1 and 1."""
    return (FREQUENCY * x + 0.5).sin()


class Waves(nn.Module):
    """sum_k a_k sin(w_k x + b_k) + c; of one wave, the architecture that the truth comes from."""

    def __init__(self, waves: int = 1) -> None:
        super().__init__()
        self.w = nn.Parameter(FASTEST * torch.rand(waves))
        self.b = nn.Parameter(2 * math.pi * torch.rand(waves))
        self.a = nn.Parameter(torch.full((waves,), waves**-0.5))
        self.c = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "n 1"]) -> Float[Tensor, "n 1"]:
        return (self.a * (x * self.w + self.b).sin()).sum(1, keepdim=True) + self.c


def relus(width: int, depth: int = 5) -> nn.Module:
    """`depth` hidden layers of ReLUs."""
    sizes = [1] + [width] * depth
    layers = [relu_layer(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def sines(width: int, depth: int = 5) -> nn.Module:
    """`depth` hidden layers of sines, omega_0 = 4 on so short a line."""
    sizes = [1] + [width] * depth
    pairs = enumerate(pairwise(sizes))
    layers = [SineLayer(a, b, 4.0, first=i == 0) for i, (a, b) in pairs]
    return nn.Sequential(*layers, nn.Linear(width, 1))


MAKERS = {"five layers of ReLUs": relus, "five layers of sines": sines}
"""The others are so many waves, by their number."""


class Fits:
    """Fits of one kind through n points of the truth, each draw of points with `fits` of them.

    For each fit `starts` networks learn, and the one with the least training error is kept: a
    choice that sees the points alone.

    Attributes:
        loss: mean squared training error of those that were kept, (draws, fits).
        y: what they say over the grid, (draws, fits, grid).
    """

    def __init__(
        self, kind: str | int, n: int, width: int, steps: int, draws: int, seed: int,
        fits: int = 1, starts: int = 1, noise: float = 0.0, reach: float = INSIDE,
    ):  # fmt: skip
        torch.manual_seed(derive(seed, "waves", str(kind), n))
        make = (lambda: Waves(kind)) if isinstance(kind, int) else (lambda: MAKERS[kind](width))
        nets = Stack([make() for _ in range(draws * fits * starts)])
        g = generator(seed, "solutions", n)
        self.x = (2 * torch.rand(draws, n, 1, generator=g) - 1) * reach
        self.t = truth(self.x) + noise * torch.randn(self.x.shape, generator=g)
        x, t = (v.repeat_interleave(fits * starts, 0) for v in (self.x, self.t))
        adam = torch.optim.Adam(nets.parameters(), 0.02 if isinstance(kind, int) else 3e-3)
        falling = torch.optim.lr_scheduler.LinearLR(adam, 1, 0.05, steps)

        def losses(_: int) -> Tensor:
            falling.step() if adam.state else None
            return (nets(x, apart=True) - t).square().mean((1, 2))

        last = minimise(losses, adam, steps)[-1].view(draws, fits, starts)
        self.grid = torch.linspace(-OUTSIDE, OUTSIDE, 401)
        with torch.no_grad():
            y = nets(self.grid[:, None])[..., 0].view(draws, fits, starts, -1)
        best = last.nan_to_num(math.inf).argmin(2, keepdim=True)
        self.loss = last.gather(2, best)[..., 0]
        self.y = y.gather(2, best[..., None].expand(-1, -1, -1, y.shape[-1]))[:, :, 0]

    def error(self, outside: bool) -> Float[Tensor, "draws"]:
        """Root mean square distance to the truth, within the data's range or beyond it; of a draw's
        fits the mean."""
        part = (self.grid.abs() > INSIDE) == outside
        return (self.y - truth(self.grid))[..., part].square().mean(2).sqrt().mean(1)

    def bent(self) -> Float[Tensor, "draws"]:
        """Distance of each fit from a straight line over the outer half of what lies beyond the
        data: root mean square, on the worse side; of a draw's fits the mean."""
        half, distances = len(self.grid) // 8, []
        for part in (slice(0, half), slice(-half, None)):
            t, y = self.grid[part], self.y[..., part].flatten(0, 1).T
            A = torch.stack([t, torch.ones_like(t)], 1)
            rest = y - A @ torch.linalg.lstsq(A, y).solution
            distances.append(rest.square().mean(0).sqrt())
        return torch.stack(distances).amax(0).view(self.y.shape[:2]).mean(1)

    def spread(self) -> Float[Tensor, "draws"]:
        """Distance of a draw's fits from their mean, within the data's range: root mean square."""
        y = self.y[..., self.grid.abs() <= INSIDE]
        return (y - y.mean(1, keepdim=True)).square().mean((1, 2)).sqrt().clamp(min=1e-9)

    def misfit(self) -> Float[Tensor, "draws"]:
        """Training error, root mean square; of a draw's fits the mean."""
        return self.loss.sqrt().mean(1)


def recurrences(n: int, starts: int, steps: int, seed: int) -> Float[Tensor, "starts"]:
    """Errors outside the data of y_(i+1) = k y_i - y_(i-1) + d, which any one wave obeys at even
    places: k and d descend the squared error of one step, from starts at random, and the recurrence
    is then continued from the first and the last two of n even points."""
    x = torch.linspace(-INSIDE, INSIDE, n, dtype=torch.float64)
    y, g = truth(x), generator(seed, "recurrences")
    k = (4 * torch.rand(starts, dtype=torch.float64, generator=g) - 2).requires_grad_()
    d = torch.zeros_like(k).requires_grad_()

    def losses(_: int) -> Tensor:
        ahead = k[:, None] * y[1:-1] - y[:-2] + d[:, None]
        return (ahead - y[2:]).square().mean(1)

    minimise(losses, torch.optim.SGD([k, d], 0.3), steps)
    errors = []
    for one, places in ((y, x), (y.flip(0), x.flip(0))):
        before, now = one[-2].expand(starts), one[-1].expand(starts)
        step, place = places[-1] - places[-2], places[-1]
        for _ in range(round(float((OUTSIDE - INSIDE) / step.abs()))):
            before, now, place = now, (k * now - before + d).detach(), place + step
            errors.append((now - truth(place)).square())
    return torch.stack(errors).mean(0).sqrt()
