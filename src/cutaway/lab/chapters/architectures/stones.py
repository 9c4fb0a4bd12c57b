"""Moon rocks: what networks answer about stones that they never saw, and how sure that is."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from time import process_time
from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from scipy.special import stdtrit  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.split import split
from cutaway.lab.evidence import Effect, Verdict, estimated
from cutaway.lab.figures import ANY, SHARE, Ends
from cutaway.lab.settings import Range
from cutaway.learn.stats import POWER, paired, power, student
from cutaway.randomness import generator
from cutaway.see.probe import resting

FOLDS = 5
OVERLAP = 1 / (FOLDS - 1)
"""Test images per training image: folds that divide the same images anew are alike."""
RATES = (0.002, 0.0005, 0.008)
WORTH = 10.0
"""A gain, in points, of which is asked how many stones would show it."""
Epochs = Annotated[int, Range(1, 1000)]
Side = Annotated[int, Range(28, 512)]
Folds = Annotated[int, Range(2, 1000)]
Times = Annotated[int, Range(1, 3)]


@dataclass(frozen=True)
class Division:
    """Training and test images, as numbers."""

    train: Int[Tensor, "train"]
    test: Int[Tensor, "test"]


@dataclass(frozen=True)
class Learned:
    """A network's way through a division.

    Attributes:
        seconds: of the processor, spent until then.
        right: whether each test image was answered rightly then.
    """

    seconds: Float[Tensor, "times"]
    right: Bool[Tensor, "times test"]


Learn = Callable[[Division], Learned]


@dataclass(frozen=True)
class Answers:
    """What a network reaches.

    Attributes:
        seconds, curves: for each random fold, the accuracy (%) along its way, both classes alike.
        stones: share (%) of right answers about each stone, by networks that never saw it.
    """

    name: str
    seconds: list[Float[Tensor, "times"]]
    curves: list[Float[Tensor, "times"]]
    stones: Float[Tensor, "stones"]

    @property
    def final(self) -> list[float]:
        return [curve[-1].item() for curve in self.curves]


def at_random(photos: ImageSet, folds: int, seed: int) -> list[Division]:
    """Folds without regard to the stone, five to a draw."""
    images, alone = replace(photos, groups=None), torch.arange(len(photos))
    parts = [
        split(images, val=0, seed=seed * 1000 + k // FOLDS, fold=f"{k % FOLDS + 1}/{FOLDS}",
              duplicates=alone)
        for k in range(folds)
    ]  # fmt: skip
    return [Division(one.train, one.test) for one in parts]


def left_out(photos: ImageSet, times: int, seed: int) -> list[Division]:
    """Two stones to test on, one of each class: every stone of the class with more of them, `times`
    over, each time with another of the other class; all other stones to learn from."""
    assert photos.groups is not None
    few, many = sorted((photos.groups[photos.targets == c].unique() for c in (0, 1)), key=len)
    draw = generator(seed, "stones")
    few, many = (one[torch.randperm(len(one), generator=draw)] for one in (few, many))
    parts = []
    for k in range(times):
        for i, stone in enumerate(many):
            tested = torch.isin(photos.groups, torch.stack([stone, few[(i + k) % len(few)]]))
            parts.append(Division((~tested).nonzero().flatten(), tested.nonzero().flatten()))
    return parts


def balanced(right: Bool[Tensor, "*times test"], t: Int[Tensor, "test"]) -> Float[Tensor, "*times"]:
    """Accuracy (%), both classes alike: an answer that never changes is right in 50 %."""
    of = [right[..., t == c].double().mean(-1) for c in t.unique()]
    return 100 * torch.stack(of).mean(0)


def by_stone(
    parts: list[Division], learned: list[Learned], groups: Int[Tensor, "n"]
) -> Float[Tensor, "stones"]:
    """Share (%) of right answers about each stone, over all networks that it was held back from."""
    stone = torch.cat([groups[at.test] for at in parts])
    right = torch.cat([one.right[-1] for one in learned]).double()
    number = len(groups.unique())
    return 100 * torch.bincount(stone, right, number) / torch.bincount(stone, minlength=number)


def classes_of(photos: ImageSet) -> Int[Tensor, "stones"]:
    """The class of each stone."""
    assert photos.groups is not None
    return torch.stack([photos.targets[photos.groups == g][0] for g in photos.groups.unique()])


def asked(
    photos: ImageSet, name: str, learn: Learn, folds: list[Division], pairs: list[Division]
) -> Answers:
    """A network learns each division anew, and is asked about what it did not see."""
    assert photos.groups is not None
    ways = [learn(at) for at in folds]
    curves = [
        balanced(one.right, photos.targets[at.test]) for one, at in zip(ways, folds, strict=True)
    ]
    stones = by_stone(pairs, [learn(at) for at in pairs], photos.groups)
    return Answers(name, [one.seconds for one in ways], curves, stones)


def from_scratch(
    network: Callable[[], nn.Module],
    x: Float[Tensor, "n c h w"],
    t: Int[Tensor, "n"],
    epochs: int,
    batch: int,
    rate: float,
    draw: torch.Generator,
) -> Learn:
    """A new network, by Adam with mirrored images, both classes weighing alike."""

    def learn(at: Division) -> Learned:
        net, spent, seconds, right = network(), 0.0, [], []
        optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
        weight = weights(t[at.train])
        for _ in range(epochs):
            start = process_time()
            for index in at.train[torch.randperm(len(at.train), generator=draw)].split(batch):
                if len(index) == 1:  # has no spread to normalise by
                    continue
                some = x[index].flip(3) if torch.rand((), generator=draw) < 0.5 else x[index]
                optimizer.zero_grad()
                cross_entropy(net(some), t[index], weight).backward()
                optimizer.step()
            spent += process_time() - start
            seconds.append(spent)
            with torch.no_grad(), resting(net):
                right.append(net(x[at.test]).argmax(1) == t[at.test])
        return Learned(torch.tensor(seconds, dtype=torch.float64), torch.stack(right))

    return learn


def weights(t: Int[Tensor, "n"]) -> Float[Tensor, "2"]:
    """By which both classes of what is learned weigh alike."""
    return len(t) / (2 * torch.bincount(t, minlength=2).clamp(min=1)).float()


def tuned(
    make: Callable[[float], Learn], folds: list[Division], t: Int[Tensor, "n"], seed: int
) -> float:
    """Of the rates that are tried, the one whose network is right most over its whole way, on a
    fifth of the training images of every fifth fold."""
    inner = []
    for k, fold in enumerate(folds[::FOLDS]):
        drawn = torch.randperm(len(fold.train), generator=generator(seed, "rate", k))
        held, rest = fold.train[drawn].tensor_split([len(drawn) // FOLDS])
        inner.append(Division(rest, held))
    ways = [[balanced(make(rate)(at).right, t[at.test]).mean() for at in inner] for rate in RATES]
    return RATES[int(torch.tensor(ways).mean(1).argmax())]


def pixels(photos: ImageSet, side: int) -> Float[Tensor, "n 3 h w"]:
    """Smaller pictures, each channel with mean 0 and spread 1."""
    x = to_float(photos.resized(side).images)
    return (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)


def over_stones(
    what: str,
    values: Float[Tensor, "stones"],
    classes: Int[Tensor, "stones"],
    unit: str = "points",
    within: Ends = ANY,
) -> Effect:
    """The mean of both classes, each the mean of its stones, with an interval over stones.

    The variance is sum_c s_c^2 (1/n_c + 1/(n_c - 1)) / 4 over the classes: stones are drawn within
    their class, and networks that leave out one of n learn from much the same n - 1 (Nadeau and
    Bengio 2003, as in `student`). Student's t has Satterthwaite's degrees of freedom. A bootstrap
    would draw three stones from three, and is far too sure of itself with so few.
    """
    each = [values[classes == c] for c in (0, 1)]
    value = torch.stack([one.mean() for one in each]).mean().item()
    parts = [one.var().item() * (1 / len(one) + 1 / (len(one) - 1)) / 4 for one in each]
    below = sum(v**2 / (len(one) - 1) for v, one in zip(parts, each, strict=True))
    df = sum(parts) ** 2 / below if below else len(values) - 2
    half = float(stdtrit(df, 0.975)) * math.sqrt(sum(parts))
    low, high = max(within[0], value - half), min(within[1], value + half)
    return Effect(what, value, low, high, len(values), unit)


def stones_needed(
    gains: Float[Tensor, "stones"], classes: Int[Tensor, "stones"], worth: float = WORTH
) -> int:
    """Stones of each class that would show a gain 8 times in 10, spread as these are."""
    spread = math.sqrt(sum(gains[classes == c].var().item() for c in (0, 1))) / 2
    return next(n for n in count(2) if power(worth, spread, n, overlap=1 / (n - 1)) >= POWER)


def gain_at_random(a: Answers, b: Answers) -> Effect:
    what = f"accuracy on known stones (random split), {b.name} minus {a.name}"
    return estimated(what, paired(a.final, b.final, OVERLAP), len(a.final), "points")


def gain_on_stones(a: Answers, b: Answers, classes: Int[Tensor, "stones"]) -> Effect:
    what = f"accuracy on stones never seen, {b.name} minus {a.name}"
    return over_stones(what, b.stones - a.stones, classes)


def time_to_same(a: Answers, b: Answers) -> Effect:
    """Time of a over that of b, on each random fold, to the accuracy that both end with."""
    logs = []
    for curve, seconds, other, others in zip(a.curves, a.seconds, b.curves, b.seconds, strict=True):
        level = torch.minimum(curve[-1], other[-1])
        logs.append([seconds[curve >= level][0].log(), others[other >= level][0].log()])
    estimate = paired([y.item() for _, y in logs], [x.item() for x, _ in logs], OVERLAP)
    value, low, high = (math.exp(v) for v in (estimate.value, estimate.low, estimate.high))
    what = f"time to the same accuracy, {a.name} over {b.name}"
    return Effect(what, value, low, high, len(logs))


def at_equal_time(a: Answers, b: Answers) -> Effect:
    """b at its end minus a when it had had as much time, on random folds; 50 % before a's first."""
    then = []
    for curve, seconds, others in zip(a.curves, a.seconds, b.seconds, strict=True):
        within = curve[seconds <= others[-1]]
        then.append(within[-1].item() if len(within) else 50.0)
    what = f"accuracy on known stones at equal time, {b.name} minus {a.name}"
    return estimated(what, paired(then, b.final, OVERLAP), len(then), "points")


def on_known(one: Answers) -> Effect:
    """Accuracy with a random split."""
    e = student(one.final, OVERLAP)
    return Effect(one.name, e.value, max(0, e.low), min(100, e.high), len(one.final), "%")


def on_unseen(one: Answers, classes: Int[Tensor, "stones"]) -> Effect:
    """Accuracy on stones that were not learned."""
    return over_stones(one.name, one.stones, classes, "%", SHARE)


def better_and_faster(random: Effect, stones: Effect, time: Effect) -> Verdict:
    """Holds if accuracy on stones never seen is higher (the interval above 0) and less time is
    needed to the same accuracy (the ratio above 1); with limits if it is higher there but takes
    longer (below 1), or if unseen stones do not show it but known ones do, in less time; does not
    hold if it is lower on unseen stones, without that; else undecided."""
    known = random.low > 0 and time.low > 1
    if stones.low > 0 and (time.low > 1 or time.high < 1):
        return Verdict.HOLDS if time.low > 1 else Verdict.LIMITED
    if known:
        return Verdict.LIMITED
    return Verdict.FAILS if stones.high < 0 else Verdict.UNDECIDED
