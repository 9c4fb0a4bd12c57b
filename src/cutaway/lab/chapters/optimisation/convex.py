"""Convex losses: where their gradients point, and how large they are near the floor."""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy, huber_loss

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.samples import samples
from cutaway.randomness import generator

RIDGE = 1e-2
FAR, NEAR = 1.0, 1e-6
"""Distances from the floor between which a gradient ought to have become small."""
LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "theta^2 / 2": lambda w: w.square() / 2,
    "Huber": lambda w: huber_loss(w, torch.zeros_like(w), reduction="none"),
    "|theta|^1.5": lambda w: w.abs().pow(1.5),
    "|theta|": lambda w: w.abs(),
    "|theta| + theta^2 / 2": lambda w: w.abs() + w.square() / 2,
}
"""Convex in one dimension, with their floor at 0."""


def angles(slope: Float[Tensor, "*n d"], away: Float[Tensor, "*n d"]) -> Float[Tensor, "*n"]:
    """Degrees between the way that the negative gradient leads and the way to the floor."""
    u, v = (x / x.norm(dim=-1, keepdim=True) for x in (slope, away))
    return torch.rad2deg(2 * torch.atan2((u - v).norm(dim=-1), (u + v).norm(dim=-1)))


def in_valley(condition: float, places: Float[Tensor, "r n d"]) -> Float[Tensor, "r n"]:
    """The angles at places around the floor of a quadratic with curvatures from 1 to this."""
    curvatures = torch.logspace(0, math.log10(condition), places.shape[-1]).double()
    return angles(curvatures * places, places)


def sizes(distances: Float[Tensor, "n"]) -> dict[str, Float[Tensor, "n"]]:
    """The gradient of each loss at these distances from its floor, by autograd."""
    found = {}
    for name, loss in LOSSES.items():
        w = distances.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(w).sum(), w)
        found[name] = slope.abs()
    return found


def in_regression(replicates: int, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """The angles in softmax regression on digits, a convex loss, at random places around its floor;
    and the norm of the gradient at the floor, of its norm there."""
    learned, _ = samples(load("digits"), seed, train=n)
    x = torch.cat([learned.x.flatten(1), torch.ones(len(learned), 1)], 1).double()
    w = torch.zeros(10, x.shape[1], dtype=torch.float64, requires_grad=True)

    def loss() -> Tensor:
        return cross_entropy(x @ w.T, learned.t) + RIDGE / 2 * w.square().sum()

    def closure() -> float:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value.item()

    optimizer = torch.optim.LBFGS(
        [w], max_iter=300, tolerance_grad=1e-9, tolerance_change=0, line_search_fn="strong_wolfe"
    )
    optimizer.step(closure)
    floor, found = w.detach().clone(), []
    rest = torch.autograd.grad(loss(), w)[0].norm()
    for k in range(replicates):
        away = torch.randn(w.shape, generator=generator(seed, "3.12", "start", k)).double()
        w.data = floor + away
        slope = torch.autograd.grad(loss(), w)[0]
        found.append(torch.stack([angles(slope.flatten(), away.flatten()), rest / slope.norm()]))
    both = torch.stack(found)
    return both[:, 0], both[:, 1]


def as_said(
    round_one: Effect, away: Effect, narrow: Effect, smooth: Effect, kinked: Effect
) -> Verdict:
    """The first sentence is so if gradients in a valley ten times as long as wide are within 5
    degrees of the way to the floor (the interval's upper end), and not so if they are 10 degrees
    off it or more (lower end), or at any place lead away; the second if a millionth off the floor
    every gradient is less than a hundredth of what it is at 1, and not so if one is not. Holds if
    both are so; with limits if one is; does not hold if neither is; undecided if the first is
    neither, or if the measure errs: in a round bowl, where each gradient points at the floor
    (within 0.001 degrees), or near a parabola's, where it vanishes."""
    if not (round_one.value < 1e-3 and smooth.value < 0.01):
        return Verdict.UNDECIDED
    wrong = narrow.low > 10 or away.value > 0
    if not wrong and not narrow.high < 5:
        return Verdict.UNDECIDED
    so = (not wrong) + (kinked.value < 0.01)
    return (Verdict.FAILS, Verdict.LIMITED, Verdict.HOLDS)[so]


@claim(
    "3.12",
    says="On a convex loss the gradient points at the minimum from everywhere, and tends to 0 on "
    "the way to it.",
    source="statistics lecture, week 4, p. 10, convex functions",
    rule=as_said,
    otherwise="A loss that is as steep in all directions, and smooth at its minimum: there both "
    "sentences are so.",
    baseline="A round bowl, in which the negative gradient points at the floor exactly, and a "
    "parabola, whose gradient is as small as the distance is. A direction drawn by chance is at 90 "
    "degrees to the way on average.",
    doubt="In a narrow valley the steepest way down leads across it; |theta| is convex, and its "
    "slope is 1 up to the minimum.",
    full={"replicates": 64, "places": 10_000, "dimensions": 64},
)
def convex_losses(
    conditions: tuple[Annotated[float, Range(1, 1e6)], ...] = (1, 3, 10, 30, 100, 1000),
    places: Annotated[int, Range(8, 1_000_000)] = 256,
    dimensions: Annotated[int, Range(2, 1000)] = 10,
    n: Annotated[int, Range(32, 1400)] = 400,
    replicates: Replicates = 16,
    seed: Seed = 0,
) -> Evidence:
    """Angles between the negative gradient and the way to the floor: at random places of quadratics
    whose longest axis is 1 to 1000 times as flat as their shortest, in two dimensions and in more,
    and of softmax regression on digits. Then the size of the gradient of five convex losses as the
    floor comes near."""
    g = generator(seed, "3.12")
    by_size = {d: torch.randn(replicates, places, d, generator=g).double() for d in (2, dimensions)}
    asked = sorted({1.0, *map(float, conditions)})
    found = {d: torch.stack([in_valley(c, around) for c in asked]) for d, around in by_size.items()}
    tenfold, (real, rest) = in_valley(10.0, by_size[2]), in_regression(replicates, n, seed)
    distances = torch.logspace(0, math.log10(NEAR), 13).double()
    near = sizes(distances)
    left = {name: (slope[-1] / slope[0]).item() for name, slope in near.items()}
    leading_away = sum(int((a >= 90).sum()) for a in (*found.values(), real))
    worst = max(left, key=left.__getitem__)
    record = Record()
    record.effects(
        round_one=exact(
            "largest angle in a round bowl (degrees)", max(a[0].max() for a in found.values())
        ),
        away=exact("places whose negative gradient leads away from the floor", leading_away),
        narrow=mean("angle in a valley ten times as steep across (degrees)", tenfold.mean(1)),
        narrower=mean(
            f"the same, {asked[-1]:g} times, {dimensions} dimensions", found[dimensions][-1].mean(1)
        ),
        real=mean("angle in softmax regression on digits (degrees)", real),
        smooth=exact("gradient of theta^2 / 2 at a millionth, of that at 1", left["theta^2 / 2"]),
        kinked=exact(f"the most that is left of another loss ({worst})", left[worst]),
    )
    rows = [
        (c, *(v for d in found for v in (found[d][i].mean(), found[d][i].max())), bound(c))
        for i, c in enumerate(asked)
    ]
    columns = "condition | mean angle, 2 dimensions | largest"
    columns += f" | mean, {dimensions} dimensions | largest | largest possible"
    record.table("Angle to the way to the floor (degrees)", rows, columns)
    cells = [(name, slope[0], slope[6], slope[-1], left[name]) for name, slope in near.items()]
    columns = "loss | gradient at 1 | at 0.001 | at 0.000001 | what is left"
    record.table("The gradient near the floor", cells, columns)
    _drawn(record, asked, found, distances, near)
    return record.because(f"""
        Only in a round bowl does the gradient point at the minimum. In a valley ten times as steep
        across as along it is {tenfold.mean():.0f} degrees off on average, in one of
        {asked[-1]:g} and {dimensions} dimensions {found[dimensions][-1].mean():.0f}; in softmax
        regression on digits, which is convex, {real.mean():.0f} degrees from random places. What is
        true is weaker: at none of the places did it lead away ({leading_away} at 90 degrees or
        more), and convexity forbids that. Nor need it become small: at a millionth from its minimum
        the slope of |theta| is {near["|theta|"][-1]:g}, as anywhere, so that a fixed step swings
        about the minimum for ever; of smooth losses, Huber's among them, {left["Huber"]:.0e} is
        left there, of |theta|^1.5 {left["|theta|^1.5"]:.0e}. (In the regression the gradient at the
        minimum was {rest.mean():.0e} of that at the start.)
    """)


def bound(condition: float) -> float:
    """The largest angle at any place of a quadratic, in degrees (Kantorovich's inequality)."""
    return math.degrees(math.acos(2 * math.sqrt(condition) / (condition + 1)))


def _drawn(
    record: Record,
    asked: list[float],
    found: dict[int, Tensor],
    distances: Tensor,
    near: dict[str, Tensor],
) -> None:
    """Angles by condition number, and gradients by distance."""
    series = [over(f"{d} dimensions", asked, a.mean(2)) for d, a in found.items()]
    series.append(line("largest possible", asked, [bound(c) for c in asked]))
    axes = "condition number", "angle (degrees)"
    record.curves("Off the way to the floor", *axes, *series, x_log=True, levels={90.0: "astray"})
    lines = [line(name, distances, slope) for name, slope in near.items()]
    axes = "distance from the floor", "size of the gradient"
    record.curves("Near the floor", *axes, *lines, x_log=True, y_log=True)
