"""Linear regions in the plane, counted exactly by cutting polygons."""

import math
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.chapters.depth.learner import dense, hidden
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part, part
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.learning import binary_losses, minimise
from cutaway.learn.fleet.stack import Stack
from cutaway.randomness import generator

Polygon = np.ndarray
SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
"""The square in which pieces are counted, corner by corner."""
NEAR = 1e-9


def regions(net: nn.Module) -> int:
    """Number of pieces that a ReLU network of two inputs cuts the square into.

    A piece is convex and told from its neighbours by which units are on. Inside each, the next
    layer is affine, so that its units cut along straight lines.
    """
    layers = [m for m in net.modules() if isinstance(m, nn.Linear)][:-1]
    pieces = [(SQUARE, np.eye(2), np.zeros(2))]
    for layer in layers:
        U, a = (p.detach().double().numpy() for p in (layer.weight, layer.bias))
        pieces = [
            (polygon, on[:, None] * P, on * q)
            for polygon, P, q in ((piece, U @ A, U @ c + a) for piece, A, c in pieces)
            for polygon in divided(polygon, P, q)
            for on in [P @ polygon.mean(0) + q > 0]
        ]
    return len(pieces)


def divided(polygon: Polygon, P: np.ndarray, q: np.ndarray) -> list[Polygon]:
    """A convex polygon cut along every line P_i x + q_i = 0."""
    parts = [polygon]
    for p, b in zip(P, q, strict=True):
        parts = [half for one in parts for half in halves(one, p, b)]
    return parts


def halves(polygon: Polygon, p: np.ndarray, b: float) -> list[Polygon]:
    """The parts on either side of p x + b = 0; the polygon itself where it does not meet it."""
    side = polygon @ p + b
    if side.min() > -NEAR or side.max() < NEAR:
        return [polygon]
    after, beyond = np.roll(side, -1), np.roll(polygon, -1, 0)
    above, below = [], []
    for x, y, s, r in zip(polygon, beyond, side, after, strict=True):
        if s >= 0:
            above.append(x)
        if s <= 0:
            below.append(x)
        if s * r < 0:
            cut = x + s / (s - r) * (y - x)
            above.append(cut)
            below.append(cut)
    return [np.array(above), np.array(below)]


def most_of_one(units: int) -> int:
    """Most pieces that one layer can cut: n lines cut the plane into 1 + n + n (n - 1) / 2.

    Source: Zaslavsky 1975.
    """
    return 1 + units + math.comb(units, 2)


def folded(width: int) -> nn.Sequential:
    """Two layers by hand: the first folds the square width // 2 times along each axis, so that what
    the second cuts is there in every fold.

    Source: Montufar et al. 2014, section 3.1.
    """
    folds = width // 2
    net = dense([2, 2 * folds, width, 1], start="own")
    first, second = (net.get_submodule(name) for name in ("1", "3"))
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    k = torch.arange(folds)
    slopes = torch.where(k > 0, 2.0 * folds, float(folds))
    signs = torch.where(k % 2 == 0, 1.0, -1.0)
    turn = torch.linspace(0, math.pi, width + 1)[:-1] + 0.1
    lines = torch.stack([turn.cos(), turn.sin()], 1)
    with torch.no_grad():
        first.weight.zero_()
        for axis in (0, 1):  # (x + 1) / 2 lies in 0..1
            rows = slice(axis * folds, (axis + 1) * folds)
            first.weight[rows, axis] = slopes / 2
            first.bias[rows] = slopes / 2 - 2.0 * k
        second.weight.copy_(torch.cat([lines[:, :1] * signs, lines[:, 1:] * signs], 1))
        second.bias.copy_(-(lines.sum(1) / 2 + 0.4 / width))
    return net


def finer(capacity: Effect, drawn: Effect, learned: Effect) -> Verdict:
    """Holds if two layers can have more pieces than one, and have more both as drawn and after
    learning (whole intervals above 0); with limits if they can, and one of the two is not so (an
    interval below 0); does not hold if they cannot; else undecided."""
    if capacity.value <= 0:
        return Verdict.FAILS
    if min(drawn.low, learned.low) > 0:
        return Verdict.HOLDS
    return Verdict.LIMITED if min(drawn.high, learned.high) < 0 else Verdict.UNDECIDED


@claim(
    "4.12",
    says="Two hidden layers of 10 units divide the plane more finely than one layer of 20.",
    source="textbook 4.6, figure 4-38",
    rule=finer,
    baseline="The most that one layer of 20 can have, 211 pieces (one of as many weights as the "
    "two layers: 704); a linear model has one.",
    revised="29 November 2026: the rule can say undecided, where it said 'holds with limits'. Run "
    "with seeds 3 to 5.",
    otherwise="Another task or start: what a network can do and what it does are two things (as "
    "drawn, the number of pieces is about that of the units, whatever the depth: Hanin and Rolnick "
    "2019).",
    full={"replicates": 200, "steps": 4000},
)
def pieces(
    units: Annotated[int, Range(2, 40)] = 20,
    replicates: Replicates = 16,
    steps: Steps = 400,
    rate: Rate = 0.01,
    turns: Annotated[float, Range(0.1, 5)] = 0.75,
    seed: Seed = 0,
) -> Evidence:
    """The pieces of a square are counted exactly: for networks as PyTorch draws them, after they
    learned to tell two spirals apart, and for two layers with weights by hand, beside the most that
    lines can do."""
    half = units // 2
    x, t = spirals(400, turns, generator(seed, "4.12"))
    counts, scored, nets = {}, {}, {}
    for name, widths in (("wide", [2, units, 1]), ("deep", [2, half, half, 1])):
        nets[name] = Stack([dense(widths, start="own") for _ in range(replicates)])
        drawn = [regions(net) for net in nets[name].networks]
        learn(nets[name], x, t, steps, rate)
        counts[name] = drawn, [regions(net) for net in nets[name].networks]
        answered = nets[name](x).squeeze(-1) >= 0
        scored[name] = 100 * (answered == (t > 0.5)).double().mean().item()
    most, by_hand = most_of_one(units), regions(folded(half))
    (wide0, wide1), (deep0, deep1) = counts["wide"], counts["deep"]
    what = "pieces, two layers minus one"
    names = f"one of {units}", f"two of {half}"
    parts = [(*counts[name], best) for name, best in (("wide", most), ("deep", by_hand))]
    means = [(float(np.mean(a)), float(np.mean(b)), c) for a, b, c in parts]
    record = Record()
    record.effects(
        capacity=exact(f"{what}, at most (two layers: at least, by hand)", by_hand - most),
        drawn=difference(f"{what}, as drawn", wide0, deep0),
        learned=difference(f"{what}, after learning", wide1, deep1),
    )
    rows = [
        (name, *values, scored[key]) for name, values, key in zip(names, means, counts, strict=True)
    ]
    columns = "hidden layers | as drawn | after learning | possible | accuracy on spirals (%)"
    record.table("Pieces of the square", rows, columns)
    bars = [_bars(name, *values) for name, values in zip(names, parts, strict=True)]
    title = "Pieces of the square"
    record.bars(title, "pieces", ("as drawn", "after learning", "can have"), *bars, log=True)
    record.images(
        "Where the pieces lie",
        torch.stack(
            [picture(net) for net in (*(n.networks[0] for n in nets.values()), folded(half))]
        ),
        (f"{names[0]}, learned", f"{names[1]}, learned", f"{names[1]}, by hand"),
        3,
    )
    return record.because(f"""
        One layer of {units} draws {units} lines, which cut the plane into {most} pieces at most.
        Two layers of {half} with weights by hand, the first of which folds the square, have
        {by_hand}. That is what they can do. As drawn they have {means[1][0]:.0f} pieces beside
        {means[0][0]:.0f} of the one layer, and after learning two spirals {means[1][1]:.0f} beside
        {means[0][1]:.0f}; they tell {scored["deep"]:.0f} % of the points apart, the one layer
        {scored["wide"]:.0f} %. The two layers also have
        {2 * half + half + half * half + half + half + 1} weights, the one {4 * units + 1}.
    """)


def _bars(name: str, drawn: list[int], learned: list[int], most: int) -> Part:
    """As drawn and after learning with their intervals, and what is possible, which has none."""
    measured = part(name, np.array([drawn, learned]))
    return Part(name, (*measured.values, most), (*measured.low, most), (*measured.high, most))


def spirals(
    n: int, turns: float, draw: torch.Generator
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n"]]:
    """Points of two spirals in the square, and which one each is of."""
    t = (torch.arange(n) % 2).float()
    r = torch.rand(n, generator=draw).sqrt()
    angle = 2 * math.pi * turns * r + math.pi * t
    x = 0.9 * r[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return x + 0.02 * torch.randn(n, 2, generator=draw), t


def learn(nets: Stack, x: Tensor, t: Tensor, steps: int, rate: float) -> None:
    """All points at every step, by Adam."""

    def losses(_: int) -> Tensor:
        return binary_losses(nets(x).squeeze(-1), t)

    minimise(losses, torch.optim.Adam(nets.parameters(), rate), steps)


def picture(net: nn.Module, side: int = 160) -> Float[Tensor, "side side"]:
    """The square, each piece in a grey of its own: what the units that are on add up to."""
    place = torch.linspace(-1, 1, side)
    x = torch.cartesian_prod(-place, place).flip(1)
    shade = torch.zeros(len(x))
    weight = torch.rand(200, generator=torch.Generator().manual_seed(0))
    for y in hidden(net, x).values():
        shade = shade + ((y > 0) * weight[: y.shape[1]]).sum(1)
    return 0.15 + 0.85 * (37 * shade).sin().square().view(side, side)
