"""Counter-worlds of chapter convolution."""

import torch

from cutaway.lab.chapters.convolution.aliasing import changes
from cutaway.lab.chapters.convolution.directions import answers, step
from cutaway.lab.chapters.convolution.kernels import components, found, known
from cutaway.lab.chapters.convolution.shifts import moves
from cutaway.lab.evidence import Effect, Verdict, difference, exact, mean, ratio
from cutaway.randomness import generator
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import at, planted

HOLDS, LIMITED, FAILS = Verdict.HOLDS, Verdict.LIMITED, Verdict.FAILS
UNDECIDED = Verdict.UNDECIDED


def exactly(**values: float) -> dict[str, Effect]:
    return {name: exact(name, value) for name, value in values.items()}


def dominated(name: str, usual: float, once: float) -> dict[str, Effect]:
    """Seven replicates agree and the eighth is far off."""
    return {name: mean(name, [*[usual] * 7, once])}


def constant_maps() -> Effects:
    """Pooling that leaves one and the same number everywhere, measured as 5.8 measures."""
    draws = torch.rand(8, 1, 1, 4, 4, generator=generator(0))
    plain = [moves(x, x.roll(1, 3)) for x in draws]
    erased = [moves(x * 0 + 1, x * 0 + 1) for x in draws]
    worse = difference("erased minus unpooled", plain, erased)
    return {"maximum": worse, "average": worse, "weighted": worse} | exactly(learned=0, lost=0)


def untrained() -> Effects:
    """Networks that learned nothing: kernels and maps are what they were at the start."""
    g = generator(0)
    kernels = torch.randn(8, 8, 5, 5, generator=g)
    edges = [found(k) for k in kernels]
    t = torch.arange(40) % 4
    maps = [[known(torch.randn(40, 6, generator=g), t) for _ in range(2)] for _ in range(8)]
    rise = [b - a for a, b in maps]
    return _kernels(edges, edges, [25.0] * 8, rise, rise)


def principal() -> Effects:
    """Kernels that are no more than the principal components of smooth pictures."""
    noise = torch.randn(200, 1, 16, 16, generator=generator(1))
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1)
    edges = [found(components(smooth, 8))] * 8
    return _kernels(edges, [0.0] * 8, edges, [8.0 + k for k in range(8)], [1.0] * 8)


def random_kernels() -> Effects:
    """Answers of kernels drawn at random to ideal edges, as 5.17 compares them."""
    kernels = torch.randn(16, 3, 3, generator=generator(2)).double()
    kernels -= kernels.mean((1, 2), keepdim=True)
    upright, lying, slanted = (
        torch.stack([answers(step(a), k)[4, 4] for k in kernels]) for a in (0, 90, 45)
    )
    return {
        "upright": ratio("upright", lying, upright),
        "lying": ratio("lying", upright, lying),
        "slanted": mean("slanted", 100 * slanted / upright, "%"),
    }


def _steady(plain: torch.Tensor, maximum: torch.Tensor, blurred: torch.Tensor) -> Effects:
    """What eight networks of three kinds answer to 100 pictures before and after a shift (kind:
    2 x 8 x 100), and what is right: class 1. Measured as 5.19 does."""
    changed = [changes(one[0][:, None], one[1][:, None]) for one in (plain, maximum, blurred)]
    right = [100 * (one[0] == 1).double().mean(1) for one in (maximum, blurred)]
    return {
        "pooled": difference("pooled", changed[0], changed[1]),
        "blurred": difference("blurred", changed[1], changed[2]),
        "price": difference("price", *right),
    }


def _answered(changed: float, g: torch.Generator) -> torch.Tensor:
    """Answers that are right, and after the shift wrong for a share of the pictures."""
    now = (torch.rand(8, 100, generator=g) >= changed).long()
    return torch.stack([torch.ones(8, 100, dtype=torch.long), now])


def blurred_to_nothing() -> Effects:
    """Blurred until nothing is left: always the same answer, seldom the right one."""
    g = generator(3)
    return _steady(_answered(0.4, g), _answered(0.2, g), torch.full((2, 8, 100), 7))


def nobody_knows() -> Effects:
    """All three always answer 7."""
    return _steady(*[torch.full((2, 8, 100), 7)] * 3)


def _kernels(
    edges: list[float], random: list[float], main: list[float], rise: list[float], was: list[float]
) -> Effects:
    return {
        "edges": mean("edges", edges),
        "random": difference("random", random, edges),
        "components": difference("components", main, edges),
        "deeper": mean("deeper", rise),
        "beyond": difference("beyond", was, rise),
    }


SHARED = planted(middle=(2, 4), anywhere=(8, 12), level=(60, 80)) | exactly(parameters=18)
AHEAD = planted(
    middle=(1, 2), anywhere=(20, 40), middle_wider=(6, 9), anywhere_wider=(6, 9), level=(60, 90)
)
LEVEL = planted(middle=(0, 0), anywhere=(0, 0), middle_wider=(0, 0), anywhere_wider=(0, 0))
PERMUTED = planted(dense=(0, 0), convolved=(-40, -30), level=(60, 90))
POOLED = planted(maximum=(-9, -7), average=(-9, -7), weighted=(-9, -7)) | exactly(learned=0, lost=0)
KERNELS = planted(
    edges=(60, 80), random=(60, 80), components=(35, 55), deeper=(6, 9), beyond=(5, 8)
)
VIDEOS = planted(video=(70, 76), still=(23, 27)) | exactly(wrong=0)
LEARNED = planted(few=(1, 3), many=(1, 3), level=(25, 35))
GAINS = ("rotation_strided", "rotation_none", "fit_strided", "fit_none")
WORK = exactly(work_strided=0.3, work_none=3)
HELPS = planted(**dict.fromkeys(GAINS, (1, 3))) | WORK
EDGES = planted(upright=(3, 4), lying=(4, 6), slanted=(66, 74))
WHOLE = planted(few=(-9, -7), many=(1, 3), ground=(1, 3), things=(20, 30))
STEADY = planted(pooled=(-9, -7), blurred=(-5, -3), price=(-0.5, 0.5))
WIDE = "The same values, nothing of them sure."

WORLDS: dict[str, list[World]] = {
    "5.3": [
        World("nothing there", "A black picture: zeros and copies are the same.",
              exactly(resized=0, inside=0, edge=0), UNDECIDED),
    ],
    "5.5": [
        World("nothing there", "A black picture: every layer commutes, the dense one too.",
              exactly(inside=0, strided=0, dense=0), UNDECIDED),
    ],
    "5.7": [
        World("wide interval", WIDE, wide(SHARED), UNDECIDED),
        World("nothing there", "Both guess: neither can be behind.",
              SHARED | planted(middle=(0, 0), anywhere=(0, 0), level=(9, 11)), UNDECIDED),
        World("ceiling", "Both know all the digits.",
              SHARED | planted(middle=(0, 0), anywhere=(0, 0), level=(99.5, 100)), UNDECIDED),
        World("one replicate", "One of eight lags by 40 points, for both tasks.",
              SHARED | dominated("middle", 0, 40) | dominated("anywhere", 0, 40), UNDECIDED),
        World("winning baseline", "Sharing loses wherever digits lie.",
              SHARED | planted(middle=(-4, -2), anywhere=(-4, -2)), FAILS),
    ],
    "5.8": [
        World("wide interval", WIDE, wide(POOLED), UNDECIDED),
        World("constant answers", "A pooling that erases its map moves by nothing.",
              constant_maps, (FAILS, UNDECIDED)),
        World("one replicate", "One of 8 photographs makes the mean.",
              POOLED | dominated("maximum", 1, -90), UNDECIDED),
        World("winning baseline", "Every second number moves less than any pooling.",
              POOLED | planted(maximum=(3, 5), average=(3, 5), weighted=(3, 5)), FAILS),
    ],
    "5.9": [
        World("wide interval", WIDE, wide(AHEAD), UNDECIDED),
        World("constant answers", "Both always answer 7.",
              LEVEL | planted(level=(10, 10)), UNDECIDED),
        World("ceiling", "Both know all the digits.",
              LEVEL | planted(level=(100, 100)), UNDECIDED),
        World("one replicate", "One MLP of eight fails to learn at all.",
              AHEAD | dominated("middle", 0, 60) | dominated("anywhere", 0, 60), UNDECIDED),
        World("winning baseline", "The MLP is ahead everywhere.",
              AHEAD | planted(middle=(-4, -2), anywhere=(-4, -2)), FAILS),
    ],
    "5.10": [
        World("wide interval", WIDE, wide(PERMUTED), UNDECIDED),
        World("constant answers", "Both always answer 7, permuted or not.",
              planted(dense=(0, 0), convolved=(0, 0), level=(10, 10)), UNDECIDED),
        World("one replicate", "One CNN of eight falls.",
              PERMUTED | dominated("convolved", 0, -40), UNDECIDED),
    ],
    "5.12": [
        World("wide interval", WIDE, wide(KERNELS), UNDECIDED),
        World("nothing there", "Networks that did not learn.", untrained, (FAILS, UNDECIDED)),
        World("winning baseline", "Kernels that are only principal components.", principal,
              (LIMITED, UNDECIDED)),
        World("winning baseline", "Random weights make the same rise.",
              KERNELS | planted(beyond=(-1, 1)), UNDECIDED),
        World("one replicate", "One network of eight has all the edges.",
              KERNELS | {"edges": mean("edges", [*[40.0] * 7, 100.0])}, UNDECIDED),
        World("ceiling", "Most principal components are edges as well.",
              KERNELS | planted(components=(-5, 5)), UNDECIDED),
    ],
    "5.13": [
        World("wide interval", WIDE, wide(VIDEOS), UNDECIDED),
        World("leaked truth", "The first frame gives the direction away.",
              VIDEOS | planted(video=(1, 3), still=(90, 95)), UNDECIDED),
        World("constant answers", "Always 'left', from video and frame.",
              VIDEOS | planted(video=(0, 0), still=(25, 25)), UNDECIDED),
        World("one replicate", "One network of eight has learned.",
              VIDEOS | dominated("video", 0, 75), UNDECIDED),
    ],
    "5.14": [
        World("wide interval", WIDE, wide(LEARNED), UNDECIDED),
        World("one replicate", "One of eight runs on HOG fails.",
              LEARNED | dominated("few", 0, 40) | dominated("many", 0, 40), UNDECIDED),
        World("ceiling", "Both know all the digits.",
              planted(few=(0, 0), many=(0, 0), level=(100, 100)), UNDECIDED),
        World("constant answers", "With few examples both always answer 7.",
              planted(few=(0, 0), many=(7, 9), level=(10, 10)), UNDECIDED),
        World("winning baseline", "HOG is ahead at both ends.",
              LEARNED | planted(few=(-9, -7), many=(-2, -1)), FAILS),
        World("nothing there", "Ahead with few, nothing known with many.",
              LEARNED | {"few": at(3, 1), "many": at(0, 5)}, UNDECIDED),
    ],
    "5.15": [
        World("wide interval", WIDE, wide(HELPS), UNDECIDED),
        World("constant answers", "All three always answer 7: nothing is lost by turning.",
              HELPS | planted(**dict.fromkeys(GAINS, (0, 0))), FAILS),
        World("winning baseline", "Both rivals lose less.",
              HELPS | planted(**dict.fromkeys(GAINS, (-3, -1))), FAILS),
        World("one replicate", "One rival of eight fails to learn.",
              WORK | dominated(GAINS[0], 0, 40) | dominated(GAINS[1], 0, 40)
              | dominated(GAINS[2], 0, 40) | dominated(GAINS[3], 0, 40), UNDECIDED),
        World("nothing there", "Fewer multiplications, and nothing known of the rest.",
              planted(**dict.fromkeys(GAINS, (-9, 9))) | exactly(work_strided=2, work_none=3),
              UNDECIDED),
    ],
    "5.16": [
        World("nothing there", "A pooling that leaves all numbers.",
              exactly(wrong=0, weights=0, products=0, pooled=100), FAILS),
        World("winning baseline", "Weights of its own for each place: more of them.",
              exactly(wrong=0, weights=616_180_800, products=0, pooled=25), FAILS),
    ],
    "5.17": [
        World("wide interval", WIDE, wide(EDGES), UNDECIDED),
        World("winning baseline", "Kernels like Laplace's, which answer all edges alike.",
              planted(upright=(0.7, 0.95), lying=(1.05, 1.4), slanted=(90, 110)), FAILS),
        World("constant answers", "Kernels that give the same number everywhere.",
              planted(upright=(1, 1), lying=(1, 1), slanted=(100, 100)), UNDECIDED),
        World("one replicate", "One square of eight has upright edges alone.",
              EDGES | dominated("upright", 1, 40), UNDECIDED),
        World("nothing there", "Random kernels, which know no direction.", random_kernels,
              (FAILS, UNDECIDED)),
    ],
    "5.18": [
        World("wide interval", WIDE, wide(WHOLE), UNDECIDED),
        World("constant answers", "Both always answer 'oak'.",
              planted(few=(0, 0), many=(0, 0), ground=(0, 0), things=(0, 0)), UNDECIDED),
        World("winning baseline", "The pipeline is ahead everywhere.",
              planted(few=(-9, -7), many=(-3, -1), ground=(-3, -1), things=(-3, -1)), FAILS),
        World("one replicate", "One threshold of eight fails.",
              {k: mean(k, [*[0.0] * 7, 40.0]) for k in ("few", "many", "ground", "things")},
              UNDECIDED),
        World("ceiling", "Both know all of it.",
              planted(few=(0, 0), many=(0, 0), ground=(0, 0), things=(0, 0)), UNDECIDED),
    ],
    "5.19": [
        World("wide interval", WIDE, wide(STEADY), UNDECIDED),
        World("constant answers", "Blurring leaves one answer for all.", blurred_to_nothing,
              LIMITED),
        World("constant answers", "All three always answer 7.", nobody_knows, UNDECIDED),
        World("winning baseline", "Every second number, unpooled, is steadier than both.",
              STEADY | planted(pooled=(3, 5), blurred=(1, 2)), FAILS),
        World("one replicate", "One of eight blurred networks makes the mean.",
              STEADY | dominated("blurred", 1, -90), UNDECIDED),
        World("nothing there", "No difference at all.",
              STEADY | planted(pooled=(-1, 1), blurred=(-1, 1)), UNDECIDED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {
    "5.1": "Equalities of whole numbers: nothing is by chance.",
    "5.2": "Counts.",
    "5.4": "Counts.",
    "5.6": "Equalities of whole numbers: nothing is by chance.",
    "5.11": "Whether a network computes or refuses; the accuracies decide nothing.",
}
