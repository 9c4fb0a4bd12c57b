"""What pooling is said to help against: small rotations, overfitting, and long computing."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import to_float
from cutaway.data.sources import load
from cutaway.lab.chapters.convolution.lessons import RATES, Data, Maps, Pool, divided
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.clock import in_turn
from cutaway.lab.tools.learning import classify
from cutaway.lab.tools.samples import batch_of
from cutaway.learn.fleet.stack import Stack
from cutaway.models.registry import count

RIVALS, LARGER = ("strided", "no pooling"), "no pooling, as many maps"


def network(kind: str, side: int, maps: int) -> nn.Module:
    """Two convolutions of 3 x 3 and a dense layer: with maxima of 2 x 2, with a stride of 2, or
    with neither. The last keeps all places, so that its dense layer is as large as the others only
    with fewer last maps; the first maps make up for them, and all have as many weights to 2 %.
    (`as many maps`: all of its maps, and so many more weights.)"""
    a, b, stride = maps, 2 * maps, 2 if kind == "strided" else 1
    if kind == "no pooling":
        a, b = equal(side, maps)
    small = kind in ("pooling", "strided")
    ends = nn.Linear(b * (side // 4) ** 2 if small else b * side**2, 10)
    first = nn.Conv2d(1, a, 3, stride, padding=1)
    second = nn.Conv2d(a, b, 3, stride, padding=1)
    halves = [[nn.MaxPool2d(2)] if kind == "pooling" else [] for _ in range(2)]
    return nn.Sequential(
        first, nn.ReLU(), *halves[0], second, nn.ReLU(), *halves[1], nn.Flatten(), ends
    )


def equal(side: int, maps: int) -> tuple[int, int]:
    """The numbers of maps that give a network without pooling as many weights."""
    whole = count(network("pooling", side, maps))
    b = max(1, round(0.6 * whole / (10 * side**2)))
    return max(1, round((whole - 10 - 10 * b * side**2 - b) / (10 + 9 * b))), b


def turned(x: Float[Tensor, "n 1 h w"], degrees: float) -> Float[Tensor, "n 1 h w"]:
    """Turned about the middle; what comes in is what is darkest."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = F.affine_grid(torch.tensor([[[c, -s, 0], [s, c, 0]]]), [1, *x.shape[1:]], False)
    low = x.min()
    return F.grid_sample(x - low, grid.expand(len(x), -1, -1, -1), align_corners=False) + low


def multiplications(net: nn.Module, side: int) -> int:
    """Those of a forward pass of one picture, from the sizes of the maps."""
    total, x = 0, torch.zeros(1, 1, side, side)
    for layer in net.children():
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            total += x.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()
    return total


def helps(
    rotation_strided: Effect, rotation_none: Effect, fit_strided: Effect, fit_none: Effect,
    work_strided: Effect, work_none: Effect,
) -> Verdict:  # fmt: skip
    """Pooling helps with turned pictures if it is ahead of a rival by more than on upright ones,
    against overfitting if it is ahead of it on unseen pictures by more than on those that were
    learned, and with speed if the rival multiplies more, the one without pooling with as many
    maps. Holds if all six are so (intervals above
    0, ratios above 1); with limits if one of the first four is worth more than a point (an interval
    above 1) and one of the six is refuted (an interval below 0 or within 1 point of it, a ratio of
    at most 1); does not hold if all four
    intervals lie below 1 point; else undecided."""
    gains = rotation_strided, rotation_none, fit_strided, fit_none
    works = work_strided.value, work_none.value
    if all(e.low > 0 for e in gains) and min(works) > 1:
        return Verdict.HOLDS
    if all(e.high < 1 for e in gains):
        return Verdict.FAILS
    refuted = any(e.high < 0 or (e.low > -1 and e.high < 1) for e in gains) or min(works) <= 1
    return Verdict.LIMITED if any(e.low > 1 for e in gains) and refuted else Verdict.UNDECIDED


@claim(
    "5.15",
    says="Pooling helps against small rotations, against overfitting, and makes a network faster.",
    source="study notes, the pooling layer; textbook 4.3.2",
    rule=helps,
    baseline="Two networks with as many weights: one that makes its maps smaller by a stride of 2 "
    "instead, and one that keeps all places. Being better on turned or unseen pictures counts only "
    "as far as it exceeds being better anyway; a constant answer gains nothing.",
    otherwise="Training pictures that are turned themselves: the network then learns it.",
    evening={"data": "mnist", "maps": 8, "steps": 400, "examples": 300, "replicates": 16},
    full={"data": "mnist", "maps": 16, "steps": 3000, "examples": 1000, "replicates": 32},
    revised="On 29 November 2026, after the first run and before any with other seeds: speed is "
    "compared with as many maps, since a network without pooling and with as many weights has "
    "hardly any maps to compute. Run with seeds 3 and 4 then.",
    differs="The evening's: 1,797 digits, divided anew by each replicate, are too few.",
)
def pooling_gains(
    data: Data = "digits",
    examples: Annotated[int, Range(10, 60_000)] = 150,
    maps: Maps = 6,
    steps: Steps = 150,
    angles: tuple[Annotated[int, Range(0, 90)], ...] = (0, 10, 20, 30),
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Three networks learn upright digits, each at the rate that suits it, and are tested on others
    that are turned to both sides by several angles. The rotation that counts is the mean over all
    angles but the upright."""
    images = load(data)
    x = to_float(images.images)
    x = F.interpolate(x, (16, 16), mode="bilinear") if x.shape[-1] < 16 else x
    pool = divided((x - x.mean()) / x.std(), images.targets, replicates, seed)
    side, kinds = x.shape[-1], ("pooling", *RIVALS)
    nets = {k: partial(network, k, side, maps) for k in kinds}
    right = {k: learn(pool, make, examples, steps, angles, seed) for k, make in nets.items()}
    upright = {k: y[angles.index(0)] for k, y in right.items()}
    small = {k: y[[i for i, a in enumerate(angles) if a]].mean(0) for k, y in right.items()}
    lasting = {k: small[k] - upright[k] for k in kinds}
    seen = {k: y[-1] for k, y in right.items()}
    kept = {k: upright[k] - seen[k] for k in kinds}
    built = nets | {LARGER: partial(network, LARGER, side, maps)}
    work = {k: multiplications(make(), side) for k, make in built.items()}
    seconds = _seconds(built, side)
    record = Record()
    found: dict[str, Effect] = {}
    for name, rival in zip(("strided", "none"), RIVALS, strict=True):
        what = f"lead over {rival},"
        turn = pool.ahead(f"{what} turned minus upright", lasting[rival], lasting["pooling"])
        fit = pool.ahead(f"{what} unseen minus learned", kept[rival], kept["pooling"])
        other = rival if rival == "strided" else LARGER
        times = work[other] / work["pooling"]
        more = exact(f"multiplications, {other} over pooling", times, "times")
        found |= {f"rotation_{name}": turn, f"fit_{name}": fit, f"work_{name}": more}
    record.effects(**found, right=mean("pooling, upright", upright["pooling"], "%", SHARE))
    measured = {k: [y.mean().item() for y in (seen[k], upright[k], small[k])] for k in kinds}
    rows = [
        (k, count(built[k]()), work[k], 1000 * seconds[k], *measured.get(k, [None] * 3))
        for k in built
    ]
    columns = "network | weights | multiplications | 64 pictures (ms) | learned (%) | upright (%)"
    record.table("Three networks", rows, f"{columns} | turned (%)")
    series = [over(k, angles, y[:-1], within=SHARE) for k, y in right.items()]
    axes = "turned by (degrees, to both sides)", "test accuracy (%)"
    record.curves("Turned digits", *axes, *series, levels={10.0: "chance"})
    record.takes("More pictures than 1,797: --evening learns from MNIST.")
    return record.because(_because(examples, rows, found))


def _because(n: int, rows: list[tuple[object, ...]], found: dict[str, Effect]) -> str:
    turned, fit = (
        " and ".join(f"{e.value:+.1f} ({e.low:.1f} to {e.high:.1f})" for e in pair)
        for pair in (
            (found["rotation_strided"], found["rotation_none"]),
            (found["fit_strided"], found["fit_none"]),
        )
    )
    return f"""
        From {n} digits the network with pooling knows {rows[0][5]:.1f} % of unseen upright ones,
        with a stride {rows[1][5]:.1f}, with neither {rows[2][5]:.1f}; turned
        {rows[0][6]:.1f}, {rows[1][6]:.1f} and {rows[2][6]:.1f} %. What turning adds to its lead
        over the stride and over neither is {turned} points; what it loses less from learned to
        unseen digits, {fit} points. The same maps without pooling take
        {found["work_none"].value:.1f} times its multiplications; but it takes
        {1 / found["work_strided"].value:.1f} times those of the network with a stride, which
        computes only what is kept. So speed is the gift of fewer places, not of pooling.
    """


def learn(
    pool: Pool,
    make: Callable[[], nn.Module],
    n: int,
    steps: int,
    angles: tuple[int, ...],
    seed: int,
) -> Float[Tensor, "angles_and_learned r"]:
    """Accuracy (%) at each angle, the mean of both sides, and in the last row on what was
    learned; the rate is chosen in two replicates on upright pictures that are not tested."""
    some = pool.part(pool.learned[:2], pool.learned[:2, n : n + 500])
    tries = {lr: _taught(some, make, n, steps, (0,), lr, seed)[0].mean().item() for lr in RATES}
    best = max(tries, key=lambda lr: tries[lr])
    return _taught(pool, make, n, steps, angles, best, seed)


def _taught(
    pool: Pool, make: Callable[[], nn.Module], n: int, steps: int, angles: tuple[int, ...],
    lr: float, seed: int,
) -> Float[Tensor, "angles_and_learned r"]:  # fmt: skip
    torch.manual_seed(seed)
    own = pool.learned[:, :n]
    nets = Stack([make() for _ in own])

    def batch(step: int) -> tuple[Tensor, Tensor]:
        index = own[:, batch_of(seed, step, own.shape[1], min(own.shape[1], 32))]
        return pool.x[index], pool.t[index]

    classify(nets, batch, torch.optim.Adam(nets.parameters(), lr), steps, apart=True)

    @torch.no_grad()
    def right(index: Tensor, degrees: float) -> Tensor:
        x = turned(pool.x[index].flatten(0, 1), degrees) if degrees else pool.x[index].flatten(0, 1)
        answers = nets(x.unflatten(0, index.shape), apart=True).argmax(2)
        return 100 * (answers == pool.t[index]).double().mean(1)

    sides = [(right(pool.tested, a) + right(pool.tested, -a)) / 2 if a else right(pool.tested, 0)
             for a in angles]  # fmt: skip
    return torch.stack([*sides, right(own[:, :1000], 0)])


def _seconds(nets: Mapping[str, Callable[[], nn.Module]], side: int) -> dict[str, float]:
    """The processor's time for 64 pictures, forward and backward."""
    x = torch.zeros(64, 1, side, side)
    built = {k: make() for k, make in nets.items()}
    works = [lambda net=net: net(x).sum().backward() for net in built.values()]
    return dict(zip(built, in_turn(works, 5), strict=True))
