"""Pooling keeps every second number: answers that change when a picture moves by one pixel."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import to_float
from cutaway.data.sources import load
from cutaway.lab.chapters.convolution.lessons import RATES, Data, Maps, Pool, dense, divided
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, certain, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import classify
from cutaway.lab.tools.samples import batch_of
from cutaway.learn.fleet.stack import Stack

Pictures = Float[Tensor, "n 1 h w"]
PLAIN, MAX, MEAN, BLURRED = "every second number", "maximum", "mean", "maximum, blurred"
DENSE = "dense"
MOST = 2
"""Pixels by which pictures move at most."""


class BlurredMax(nn.Module):
    """Maxima of 2 x 2 at every place; then, blurred by 1 2 1 in both directions, every second. (Two
    means of two numbers, one after the other, are that blur.)

    Source: Zhang 2019, 'Making convolutional networks shift-invariant again', section 3.2.
    """

    def forward(self, z: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        z = F.max_pool2d(F.pad(z, (0, 1, 0, 1), "replicate"), 2, stride=1)
        return F.avg_pool2d(F.avg_pool2d(F.pad(z, [1] * 4, "replicate"), 2, stride=1), 2)


POOLS: dict[str, Callable[[], nn.Module]] = {
    PLAIN: lambda: nn.AvgPool2d(1, stride=2),
    MAX: lambda: nn.MaxPool2d(2),
    MEAN: lambda: nn.AvgPool2d(2),
    BLURRED: BlurredMax,
}


def network(kind: str, side: int, maps: int) -> nn.Module:
    """Two convolutions of 3 x 3, each made half as large, and a dense layer: equal but for how they
    are made smaller. `dense` is an MLP with as many weights."""
    if kind == DENSE:
        return dense(side, maps)
    first, second = nn.Conv2d(1, maps, 3, padding=1), nn.Conv2d(maps, 2 * maps, 3, padding=1)
    one, two = POOLS[kind](), POOLS[kind]()
    ends = nn.Flatten(), nn.Linear(2 * maps * (side // 4) ** 2, 10)
    return nn.Sequential(first, nn.ReLU(), one, second, nn.ReLU(), two, *ends)


def steadier(pooled: Effect, blurred: Effect, price: Effect) -> Verdict:
    """Two halves. Pooling: fewer answers change with the maximum than where every second number is
    kept (interval of the difference below 0). Blurring: still fewer change (the same), and the
    accuracy is less than 1 point lower (interval above -1). A half is refuted where an interval
    lies wholly on the other side. Holds if both are so; with limits if one is so and the other is
    refuted; does not hold if both are refuted; else undecided."""
    pooling = certain(pooled.high < 0, pooled.low > 0)
    fewer, cheap = (
        certain(blurred.high < 0, blurred.low > 0),
        certain(price.low > -1, price.high < -1),
    )
    blurring = False if False in (fewer, cheap) else None if None in (fewer, cheap) else True
    if None in (pooling, blurring):
        return Verdict.UNDECIDED
    if pooling and blurring:
        return Verdict.HOLDS
    return Verdict.LIMITED if pooling or blurring else Verdict.FAILS


@claim(
    "5.19",
    says="Max pooling makes a network's answers steadier when its picture moves by a pixel; it "
    "keeps every second number all the same, and blurring before that makes them steadier still.",
    source="statistics week 4, pages 53-54; textbook 4.3.2, figure 4-17; Zhang 2019",
    rule=steadier,
    baseline="The same network that keeps every second number of its maps and pools nothing, and "
    "an MLP with as many weights. A constant answer never changes, but loses 80 points of accuracy "
    "and more.",
    otherwise="Training pictures that lie anywhere: shifts are then learned, whatever the pooling.",
    doubt="The texts call it invariance. Zhang's networks are deep and their pictures large.",
    revised="2026-11-29, after trials with seed 100: digits of 8 x 8 are enlarged, and all "
    "networks learn for as many steps, with fewer maps than at first and no arm of weighted "
    "means. Run with seeds 0 to 2 then; after these each network has the rate that suits it. The "
    "rule is the first one.",
    differs="The evening's: digits of 8 x 8 pixels that are enlarged are smooth already, and after "
    "as few steps the network that blurs has learned less of them.",
    evening={"data": "mnist", "maps": 6, "steps": 800, "examples": 5000},
    full={"data": "mnist", "maps": 16, "steps": 5000, "examples": 59_000, "replicates": 32},
)
def anti_aliasing(
    data: Data = "digits",
    examples: Annotated[int, Range(50, 60_000)] = 1000,
    maps: Maps = 4,
    steps: Steps = 100,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Networks that differ only in how they make their maps smaller learn upright digits. Then
    unseen ones move up, down, left and right: how many answers are others than before? One pixel
    decides."""
    images = load(data)
    x = to_float(images.images)
    x = (x - x.mean()) / x.std()
    x = F.interpolate(x, (16, 16), mode="bilinear") if x.shape[-1] < 16 else x
    pool = divided(x, images.targets, replicates, seed)
    pool = pool.part(pool.learned[:, :examples], pool.tested)
    changed, right = {}, {}
    for kind in (*POOLS, DENSE):
        make = partial(network, kind, x.shape[-1], maps)
        nets = _taught(pool, make, steps, seed, _rate(pool, make, steps, seed))
        still, *answers = (_answers(nets, pool, by) for by in range(MOST + 1))
        changed[kind] = torch.stack([changes(still, one) for one in answers])
        right[kind] = _right(still, pool)
    record = Record()
    record.effects(
        pooled=_fewer(pool, changed, PLAIN, MAX),
        blurred=_fewer(pool, changed, MAX, BLURRED),
        price=pool.ahead("accuracy, blurred minus maximum", right[MAX], right[BLURRED]),
        mean=_fewer(pool, changed, MAX, MEAN),
        dense=_fewer(pool, changed, MAX, DENSE),
        still=mean("answers that change with the maximum", changed[MAX][0], "%", SHARE),
    )
    _shown(record, changed, right)
    record.takes("More pictures than 1,797: --evening learns from MNIST.")
    now = {kind: y[0].mean().item() for kind, y in changed.items()}
    known = {kind: y.mean().item() for kind, y in right.items()}
    return record.because(f"""
        When an unseen digit moves by one pixel, {now[PLAIN]:.1f} % of the answers change where
        every second number is kept, {now[MAX]:.1f} % with the maximum of 2 x 2, {now[MEAN]:.1f} %
        with the mean, and {now[BLURRED]:.1f} % where maxima are blurred before every second one is
        kept; {now[DENSE]:.1f} % with an MLP of as many weights. Digits that do not move are known
        to {known[PLAIN]:.1f}, {known[MAX]:.1f}, {known[MEAN]:.1f}, {known[BLURRED]:.1f} and
        {known[DENSE]:.1f} %. None of them is invariant, as the texts have it.
    """)


def moved(x: Pictures, down: int, right: int) -> Pictures:
    """The pictures, moved; what comes in is what their corner is."""
    side, k = x.shape[-1], max(abs(down), abs(right))
    wide = F.pad(x - x[..., :1, :1], [k] * 4) + x[..., :1, :1]
    return wide[..., k - down : k - down + side, k - right : k - right + side]


@torch.no_grad()
def _answers(nets: Stack, pool: Pool, by: int) -> Int[Tensor, "r ways k"]:
    """What each network answers of its test pictures, moved by so many pixels in four ways."""
    ways = [(by, 0), (-by, 0), (0, by), (0, -by)][: 4 if by else 1]
    own = pool.x[pool.tested]
    return torch.stack(
        [nets(moved(own.flatten(0, 1), *way).view_as(own), apart=True).argmax(2) for way in ways],
        1,
    )


def changes(still: Int[Tensor, "r 1 k"], now: Int[Tensor, "r ways k"]) -> Float[Tensor, "r"]:
    """The share of answers (%) that are others than before, in any of the ways."""
    return 100 * (now != still).double().mean((1, 2))


def _fewer(pool: Pool, changed: Mapping[str, Tensor], a: str, b: str) -> Effect:
    return pool.ahead(f"changed answers, {b} minus {a}", changed[a][0], changed[b][0])


def _right(still: Int[Tensor, "r 1 k"], pool: Pool) -> Float[Tensor, "r"]:
    """Accuracy (%) of each replicate."""
    return 100 * (still[:, 0] == pool.t[pool.tested]).double().mean(1)


def _rate(pool: Pool, make: Callable[[], nn.Module], steps: int, seed: int) -> float:
    """The rate that does best in two replicates on a fifth of what they learn from."""
    used = pool.learned.shape[1] * 4 // 5
    some = pool.part(pool.learned[:2, :used], pool.learned[:2, used:])

    def known(lr: float) -> float:
        nets = _taught(some, make, steps, seed, lr)
        return _right(_answers(nets, some, 0), some).mean().item()

    return max(RATES, key=known)


def _taught(pool: Pool, make: Callable[[], nn.Module], steps: int, seed: int, lr: float) -> Stack:
    """One network of each replicate, by Adam at a rate that falls to a twentieth."""
    torch.manual_seed(seed)
    nets = Stack([make() for _ in pool.learned])
    n = pool.learned.shape[1]

    def batch(step: int) -> tuple[Tensor, Tensor]:
        index = pool.learned[:, batch_of(seed, step, n, min(n, 32))]
        return pool.x[index], pool.t[index]

    optimizer = torch.optim.Adam(nets.parameters(), lr)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.05, steps)
    optimizer.register_step_post_hook(lambda *_: falling.step())
    classify(nets, batch, optimizer, steps, apart=True)
    return nets


def _shown(record: Record, changed: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> None:
    rows = [(kind, right[kind].mean(), *y.mean(1)) for kind, y in changed.items()]
    columns = "taken | accuracy, not moved (%) | moved by 1 pixel | by 2 pixels"
    record.table("Answers that change (%)", rows, columns)
    series = [over(kind, range(1, MOST + 1), y, within=SHARE) for kind, y in changed.items()]
    record.curves("Moved pictures", "moved by (pixels)", "answers that change (%)", *series)
    level = part("all replicates", torch.stack([*right.values()]), SHARE)
    record.bars("Not moved", "test accuracy (%)", right, level)
