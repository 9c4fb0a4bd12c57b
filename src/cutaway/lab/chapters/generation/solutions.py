"""Curves through a few points: what data and what the hypothesis space decide."""

import math
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.learning import minimise
from cutaway.learn.fleet.stack import Stack
from cutaway.models.siren import SineLayer, relu_layer
from cutaway.randomness import generator

Points = tuple[Annotated[int, Range(2, 10_000)], ...]
Steps = Annotated[int, Range(10, 100_000)]
FLAT = 0.7
"""Distance of a flat line from a wave of height 1, root mean square."""
INSIDE, OUTSIDE = 1.0, 2.0
"""Data lie within -1 and 1; it is asked about up to twice as far."""


def truth(x: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """A wave of period 0.9, two of which fit between -1 and 1."""
    return (2 * math.pi * x / 0.9 + 0.5).sin()


class Wave(nn.Module):
    """a sin(w x + b) + c: the architecture that the truth comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(1).uniform_(6, 8))
        self.rest = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]))

    def forward(self, x: Float[Tensor, "n 1"]) -> Float[Tensor, "n 1"]:
        a, b, c = self.rest
        return a * (self.w * x + b).sin() + c


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


class Fits:
    """r networks of a kind through n points of the truth, each from a start of its own."""

    def __init__(self, kind: str, n: int, width: int, steps: int, replicates: int, seed: int):
        torch.manual_seed(seed)
        make = MAKERS.get(kind)
        nets = Stack([make(width) if make else Wave() for _ in range(replicates)])
        g = generator(seed, "solutions", n)
        x = (torch.rand(n, 1, generator=g) * 2 - 1) * INSIDE
        adam = torch.optim.Adam(nets.parameters(), 3e-3 if make else 0.02)
        falling = torch.optim.lr_scheduler.LinearLR(adam, 1, 0.05, steps)

        def losses(_: int) -> Tensor:
            loss = (nets(x) - truth(x)).square().mean((1, 2))
            falling.step() if adam.state else None
            return loss

        self.x, self.loss = x, minimise(losses, adam, steps)[-1]
        self.grid = torch.linspace(-OUTSIDE, OUTSIDE, 401)
        with torch.no_grad():
            self.y = nets(self.grid[:, None])[..., 0]

    def error(self, outside: bool) -> Float[Tensor, "r"]:
        """Root mean square distance to the truth, within the data's range or beyond it."""
        part = (self.grid.abs() > INSIDE) == outside
        return (self.y - truth(self.grid))[:, part].square().mean(1).sqrt()

    def bent(self) -> Float[Tensor, "r"]:
        """Distance of each fit from a straight line over the outer half of what lies beyond the
        data: root mean square, on the worse side."""
        half = len(self.grid) // 8
        distances = []
        for part in (slice(0, half), slice(-half, None)):
            t = self.grid[part]
            A = torch.stack([t, torch.ones_like(t)], 1)
            rest = self.y[:, part].T - A @ torch.linalg.lstsq(A, self.y[:, part].T).solution
            distances.append(rest.square().mean(0).sqrt())
        return torch.stack(distances).amax(0)

    def spread(self) -> Float[Tensor, "r"]:
        """Distance of each fit from the mean of all within the data's range: root mean square over
        places."""
        y = self.y[:, self.grid.abs() <= INSIDE]
        return (y - y.mean(0)).square().mean(1).sqrt().clamp(min=1e-9)


def beyond(
    inside: Effect, outside: Effect, straight: Effect, siren: Effect, wave: Effect
) -> Verdict:
    """A flat line misses the wave by 0.7. Holds if with the most data the ReLUs miss it by less
    than half of that inside and by more than all of it outside, where they are straight to a tenth
    of it, the right architecture misses it by less than half outside, and the sines by less than
    the flat line does, or they follow nothing (all intervals); with limits if all is so but the
    last; does not hold if the ReLUs miss it by less than half outside; else undecided."""
    if outside.high < FLAT / 2:
        return Verdict.FAILS
    known = inside.high < FLAT / 2 and wave.high < FLAT / 2
    if not (known and outside.low > FLAT and straight.high < FLAT / 10):
        return Verdict.UNDECIDED
    return Verdict.HOLDS if siren.high < 0 else Verdict.LIMITED


@claim(
    "7.10",
    says="A five-layer ReLU network goes straight outside its data, however much data it has; "
    "SIREN follows in part; the right architecture follows all the way.",
    source="statistics week 4, pages 36-38",
    rule=beyond,
    otherwise="Data from outside: no architecture but the true one knows what it has not seen.",
    full={"points": (5, 20, 80, 320, 1280), "steps": 5000, "replicates": 32},
)
def outside_the_data(
    points: Points = (8, 32, 256),
    width: Annotated[int, Range(2, 512)] = 32,
    steps: Steps = 350,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Three architectures learn a wave from points between -1 and 1 and are asked about -2 to 2."""
    kinds = (*MAKERS, "a sin(w x + b) + c")
    fits = {(k, n): Fits(k, n, width, steps, replicates, seed) for k in kinds for n in points}
    most = max(points)
    relu, sine, wave = (fits[k, most] for k in kinds)
    far = {k: fits[k, most].error(True).mean().item() for k in kinds}
    beside = relu.grid[relu.grid.abs() > INSIDE]
    flat = truth(beside).std().item()
    names = [f"{k}, {n} points" for k in kinds for n in points]
    rows = [
        (name, f.error(False).mean(), f.error(True).mean(), f.bent().mean())
        for name, f in zip(names, fits.values(), strict=True)
    ]
    shown = [line(k, fits[k, most].grid[::4], fits[k, most].y[0, ::4]) for k in kinds]
    grid = relu.grid[::4]
    record = Record()
    record.effects(
        inside=mean("error of the ReLUs inside", relu.error(False)),
        outside=mean("error of the ReLUs outside", relu.error(True)),
        straight=mean("how far from straight they are there", relu.bent()),
        siren=difference(
            "error outside, sines minus a flat line", [flat] * replicates, sine.error(True)
        ),
        wave=mean("error of a sin(w x + b) + c outside", wave.error(True)),
    )
    record.table(
        "Errors (the wave's height is 1)", rows, "network | inside | outside | from straight"
    )
    record.curves(
        f"One fit of each through {most} points",
        "x",
        "y",
        line("truth", grid, truth(grid)),
        *shown,
        marks={-INSIDE: "data", INSIDE: "data"},
    )
    series = [over(k, points, torch.stack([fits[k, n].error(True) for n in points])) for k in kinds]
    record.curves("More data", "points", "error outside the data", *series, x_log=True)
    record.takes("Longer learning, until the ReLUs fit inside.")
    return record.because(f"""
        With {most} points the ReLUs are {relu.error(False).mean().item():.2f} from the truth inside
        and {far[kinds[0]]:.2f} outside, where they are straight to {relu.bent().mean().item():.3f}:
        beyond the last kink there is nothing but a line. The sines stay within the wave's height,
        but {far[kinds[1]]:.2f} off they know no more of it than a flat line would ({flat:.2f}):
        what they follow is some other wave. The architecture that can only be such a wave is
        {far[kinds[2]]:.0e} off, and with {min(points)} points
        {fits[kinds[2], min(points)].error(True).mean().item():.0e}.
    """)


def narrows(data: Effect, space: Effect) -> Verdict:
    """Holds if with the most points the fits are spread less than with the fewest, and with the
    fewest points less in the narrow space than in the wide one (the intervals of both ratios below
    1); with limits if one is so; does not hold if neither (both above 1); else undecided."""
    both = data.high < 1, space.high < 1
    if all(both):
        return Verdict.HOLDS
    if any(both):
        return Verdict.LIMITED
    return Verdict.FAILS if min(data.low, space.low) > 1 else Verdict.UNDECIDED


@claim(
    "7.11",
    says="More data, or a narrower hypothesis space, leaves fewer solutions that fit.",
    source="statistics week 4, pages 33-35",
    rule=narrows,
    otherwise="A narrow space that the truth does not lie in: then few solutions are left, and all "
    "of them wrong.",
    full={"points": (5, 20, 80, 320), "steps": 5000, "replicates": 64},
)
def remaining_solutions(
    points: Points = (8, 16, 64),
    width: Annotated[int, Range(2, 512)] = 32,
    steps: Steps = 350,
    replicates: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """Networks with many starts learn the same points; how much the fits differ from each other
    between the points is how much is left open."""
    kinds = ("five layers of ReLUs", "a sin(w x + b) + c")
    fits = {(k, n): Fits(k, n, width, steps, replicates, seed) for k in kinds for n in points}
    spread = {key: f.spread() for key, f in fits.items()}
    left = {key: s.mean().item() for key, s in spread.items()}
    few, many = min(points), max(points)
    wide, narrow = kinds
    loose = spread[wide, few]
    record = Record()
    record.effects(
        data=ratio(f"spread with {many} points, to that with {few}", loose, spread[wide, many]),
        space=ratio(
            f"spread in the narrow space, to the wide one, {few} points", loose, spread[narrow, few]
        ),
        left=mean(f"error of the wide space, {few} points", fits[wide, few].error(False)),
    )
    rows = [
        {
            "space": kind,
            "points": n,
            "spread": left[kind, n],
            "largest misfit": fit.loss.amax().sqrt(),
            "error": fit.error(False).mean(),
        }
        for (kind, n), fit in fits.items()
    ]
    record.table("Fits to the same points", rows)
    series = [over(k, points, torch.stack([spread[k, n] for n in points])) for k in kinds]
    record.curves(
        "Spread of the fits", "points", "spread of the fits between the points", *series, x_log=True
    )
    _through(record, fits[wide, few])
    return record.because(f"""
        Through {few} points the ReLU networks differ by {left[wide, few]:.3f} between the points,
        through {many} by {left[wide, many]:.3f}. In the narrow space {few} points leave
        {left[narrow, few]:.3f}. The picture of page 35 leaves one thing out: agreement is not
        truth. Through {few} points the wide space's fits are
        {fits[wide, few].error(False).mean().item():.2f} from the wave that the points come from, so
        that where they agree they may agree on what is wrong.
    """)


def _through(record: Record, fit: Fits) -> None:
    """A few fits through the same points."""
    inside, known = fit.grid.abs() <= INSIDE, fit.x[:, 0]
    x = fit.grid[inside][::4]
    some = [line(f"network {r + 1}", x, y[inside][::4]) for r, y in enumerate(fit.y[:4])]
    points = line("points", known, truth(known), dots=True)
    series = [line("truth", x, truth(x)), *some, points]
    record.curves(f"Networks through the same {len(known)} points", "x", "y", *series)
