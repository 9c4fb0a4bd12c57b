"""Networks that come as near as one likes to any function: wide ones, and deep ones."""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.chapters.depth.learner import dense
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.learn.fleet.stack import Stack
from cutaway.randomness import generator

Sizes = tuple[Annotated[int, Range(1, 4096)], ...]
Rates = tuple[Rate, ...]
TERMS, FINE = 12, 4097


def rough(x: Float[Tensor, "n"], phases: Float[Tensor, "r terms"]) -> Float[Tensor, "r n"]:
    """Waves of halved height and doubled frequency (after Weierstrass); the range is 1."""
    k = torch.arange(phases.shape[1], dtype=x.dtype)
    waves = torch.cos(math.pi * 2 ** k[:, None] * x + phases[..., None])
    y = (0.5 ** k[:, None] * waves).sum(1)
    return (y - y.amin(1, keepdim=True)) / (y.amax(1, keepdim=True) - y.amin(1, keepdim=True))


def one_layer(x: Float[Tensor, "k"], y: Float[Tensor, "k"]) -> nn.Sequential:
    """One hidden layer of k - 1 ReLUs that goes through k points: each changes the slope."""
    steep = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    net = dense([1, len(steep), 1], start="own").double()
    first, last = (m for m in net if isinstance(m, nn.Linear))
    with torch.no_grad():
        first.weight.fill_(1)
        first.bias.copy_(-x[:-1])
        last.weight.copy_(torch.cat([steep[:1], steep.diff()])[None])
        last.bias.copy_(y[:1])
    return net


def narrowed(wide: nn.Sequential, reach: float) -> nn.Sequential:
    """The same function of |x_i| <= reach, by as many layers as there were units, each of d + 2:
    the input, one unit, and the sum so far.

    What ReLUs must let through is raised above 0 first.
    """
    first, last = (m for m in wide if isinstance(m, nn.Linear))
    U, a, v = first.weight, first.bias, last.weight[0]
    d, n = U.shape[1], len(v)
    top = ((U.abs().sum(1) * reach + a.abs()) * v.abs()).sum().item()
    net = dense([d, *[d + 2] * n, 1], start="own").double()
    with torch.no_grad():
        for k, layer in enumerate(m for m in net if isinstance(m, nn.Linear)):
            layer.weight.zero_()
            layer.bias.zero_()
            if k:  # the unit below joins the sum
                layer.weight[-1, d:] = torch.stack([v[k - 1], torch.ones_like(v[0])])
            if k == n:
                layer.bias.copy_(last.bias - top)
                continue
            layer.weight[:d, :d] = torch.eye(d)
            layer.weight[d, :d] = U[k]
            layer.bias[d] = a[k] - (U[k].sum() * reach if k else 0)
            if not k:
                layer.bias[:d], layer.bias[-1] = reach, top
    return net


def monotone_at_best(y: Float[Tensor, "r n"]) -> Float[Tensor, "r"]:
    """The least largest error of a function that only rises, or only falls: half of the largest
    way back. ReLU networks of width 1 are such, however deep."""
    back = [(z.cummax(1).values - z).amax(1) / 2 for z in (y, -y)]
    return torch.minimum(*back)


def universal(wide: Effect, deep: Effect, wide_learned: Effect, deep_learned: Effect) -> Verdict:
    """Holds if, with weights by hand, the largest error is below 1 % of the range with the most
    units and with the most layers, and networks that learn have less than half of the error of the
    smallest with most units, and with most layers (whole intervals); with limits if by hand it is
    so, and learning does not come that far with one of the two; does not hold if by hand it is not;
    else undecided."""
    learned = wide_learned, deep_learned
    if max(wide.low, deep.low) >= 1:
        return Verdict.FAILS
    if max(wide.high, deep.high) >= 1:
        return Verdict.UNDECIDED
    if max(e.high for e in learned) < 0.5:
        return Verdict.HOLDS
    return Verdict.LIMITED if max(e.low for e in learned) > 0.5 else Verdict.UNDECIDED


@claim(
    "4.13",
    says="Multilayer perceptrons are universal: wide enough or deep enough, they come as near as "
    "one likes to any continuous function.",
    source="statistics week 4, page 32",
    rule=universal,
    otherwise="Layers of no more units than inputs: then no depth helps.",
    baseline="ReLU networks of width 1, however deep: they only rise or only fall, and their least "
    "error is worked out. The best constant errs by 50 % of the range.",
    full={"replicates": 32, "steps": 10_000, "units": (4, 16, 64, 256, 1024, 4096)},
    doubt="What exists, can it be learned?",
)
def any_function(
    units: Sizes = (4, 16, 64, 512),
    widths: Sizes = (4, 32, 256),
    depths: Sizes = (1, 3, 12),
    rates: Rates = (0.003, 0.02),
    replicates: Replicates = 8,
    steps: Steps = 200,
    seed: Seed = 0,
) -> Evidence:
    """Each replicate is a rough continuous function of one variable. By hand: one layer goes
    through more and more of its points, and a network of width 3 computes the same layer by layer.
    Learned, by Adam at the better of two rates: one layer of several widths, and width 5 (the
    input and four more) of several depths."""
    phases = 2 * math.pi * torch.rand(replicates, TERMS, generator=generator(seed, "4.13"))
    fine = torch.linspace(-1, 1, FINE, dtype=torch.float64)
    y = rough(fine, phases.double())
    floor = 100 * monotone_at_best(y)
    x, t = (all_of[..., :: (FINE - 1) // 256] for all_of in (fine, y))
    found = {
        "one layer": torch.stack([fit([1, n, 1], x, t, rates, steps) for n in widths]),
        "width 5": torch.stack([fit([1, *[5] * n, 1], x, t, rates, steps) for n in depths]),
    }
    by_hand = with_weights_by_hand(fine, y, units)
    what, less = "largest error, % of the range, worst function", "largest error, learned,"
    hand, deep = by_hand["one layer"][-1].max(), by_hand["width 3"][-1].max()
    wider, deeper = f"{widths[-1]} units / {widths[0]}", f"{depths[-1]} layers / {depths[0]}"
    record = Record()
    record.effects(
        wide=exact(f"{what}, {units[-1]} units by hand", hand, "%"),
        deep=exact(f"{what}, {units[-1]} layers by hand", deep, "%"),
        wide_learned=ratio(f"{less} {wider}", *found["one layer"][[0, -1]]),
        deep_learned=ratio(f"{less} {deeper}", *found["width 5"][[0, -1]]),
        floor=exact("the same, width 1, any depth, at best", floor.min(), "%"),
    )
    rows = zip(units, *(of.mean(1) for of in by_hand.values()), strict=True)
    title = "By hand: largest error (% of the range), mean of the functions"
    record.table(title, rows, "units, or layers | one layer | layers of 3 units")
    for (name, of), sizes in zip(found.items(), (widths, depths), strict=True):
        cells = zip(sizes, of.mean(1), strict=True)
        record.table(f"Learned, {name}: largest error (%)", cells, "units, or layers | mean")
    lines = [
        over("units in one layer, by hand", units, by_hand["one layer"], True),
        over("units in one layer, learned", widths, found["one layer"], True),
        over("layers of 5, learned", depths, found["width 5"], True),
    ]
    levels = {floor.mean().item(): "width 1, any depth, at best"}
    axes = "units, or layers", "largest error (% of the range)"
    record.curves("How near", *axes, *lines, x_log=True, y_log=True, levels=levels)
    return record.because(f"""
        As a statement of what exists it holds: {units[-1]} ReLUs in one layer come within
        {hand:.2f} % of the range of the worst of {replicates} rough functions, and {units[-1]}
        layers of 3 units within {deep:.2f} %, for they compute the same unit by unit. Width 1 errs
        by {floor.min():.0f} % at least at any depth. Learning is another matter: with width the
        error falls from {found["one layer"][0].mean():.0f} to {found["one layer"][-1].mean():.0f} %
        ({widths[0]} to {widths[-1]} units), with depth at width 5 it goes from
        {found["width 5"][0].mean():.0f} to {found["width 5"][-1].mean():.0f} % ({depths[0]} to
        {depths[-1]} layers). What exists need not be what descent finds.
    """)


def with_weights_by_hand(
    x: Float[Tensor, "n"], y: Float[Tensor, "r n"], units: Sizes
) -> dict[str, Float[Tensor, "sizes r"]]:
    """The largest errors (%) of one layer of so many units, and of as many layers of three."""
    errors: dict[str, list[Tensor]] = {"one layer": [], "width 3": []}
    for k in units:
        knots = torch.linspace(0, len(x) - 1, k + 1).round().long()
        nets = [one_layer(x[knots], row[knots]) for row in y]
        for name, some in (("one layer", nets), ("width 3", [narrowed(net, 1.0) for net in nets])):
            errors[name].append(torch.stack(list(map(worst, some, y))))
    return {name: torch.stack(rows) for name, rows in errors.items()}


@torch.no_grad()
def worst(net: nn.Module, y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The largest error on the fine grid, in per cent of the range."""
    x = torch.linspace(-1, 1, len(y), dtype=torch.float64)
    return 100 * (net(x[:, None])[:, 0] - y).abs().max()


def fit(
    sizes: list[int], x: Float[Tensor, "n"], y: Float[Tensor, "r n"], rates: Rates, steps: int
) -> Float[Tensor, "r"]:
    """The largest error (%) after learning all points by Adam, a network for each function; at the
    rate at which it is least in the mean."""
    given, asked, found = x.float()[:, None], y.float(), []
    for rate in rates:
        nets = Stack([dense(sizes, start="own") for _ in y])

        def off(nets: Stack = nets) -> Float[Tensor, "r n"]:
            return nets(given).squeeze(-1) - asked

        def losses(_: int, off: Callable[[], Tensor] = off) -> Tensor:
            return off().square().mean(1)

        minimise(losses, torch.optim.Adam(nets.parameters(), rate), steps)
        with torch.no_grad():
            found.append(100 * off().abs().amax(1).double())
    return min(found, key=lambda one: one.mean().item())
