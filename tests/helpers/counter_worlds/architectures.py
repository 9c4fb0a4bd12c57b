"""Counter-worlds of chapter architectures."""

import torch

from cutaway.data.imageset import ImageSet
from cutaway.lab.chapters.architectures import lenet, skips
from cutaway.lab.chapters.architectures.stones import (
    Division,
    Learn,
    Learned,
    asked,
    at_random,
    classes_of,
    gain_at_random,
    gain_on_stones,
    left_out,
    time_to_same,
)
from cutaway.lab.evidence import Verdict, difference, exact, mean, ratio
from cutaway.randomness import generator
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict
SIZES = (34, 5, 41, 2, 2, 4, 2, 1, 32, 22, 10)
"""Photographs of each of the eleven Moon rocks; the last three are of the highlands."""


def photographs() -> ImageSet:
    """As many photographs of as many stones as there are, grey, no two alike."""
    groups = torch.repeat_interleave(torch.arange(len(SIZES)), torch.tensor(SIZES))
    images = torch.zeros(len(groups), 28, 28, 3, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(len(groups)).byte()
    names = [str(k) for k in range(len(groups))]
    return ImageSet(images, (groups > 7).long(), ("Basalt", "Highland"), names, groups=groups)


def answering(photos: ImageSet, answers: torch.Tensor, after: float = 1.0) -> Learn:
    """A network that gives these answers whatever it learned."""

    def learn(at: Division) -> Learned:
        right = answers[at.test] == photos.targets[at.test]
        return Learned(torch.tensor([after], dtype=torch.float64), right[None])

    return learn


def commoner(photos: ImageSet, rarer: bool = False) -> Learn:
    """A network that always gives the class that it has seen more of, or less of."""

    def learn(at: Division) -> Learned:
        seen = photos.targets[at.train].bincount(minlength=2)
        right = (seen.argmin() if rarer else seen.argmax()) == photos.targets[at.test]
        return Learned(torch.ones(1, dtype=torch.float64), right[None])

    return learn


def rocks_world(a: Learn, b: Learn, photos: ImageSet) -> Effects:
    """The effects of 6.7 and 6.8, measured as they measure them, for two networks."""
    parts = at_random(photos, 5, 0), left_out(photos, 3, 0)
    one, other = asked(photos, "a", a, *parts), asked(photos, "b", b, *parts)
    return {
        "random": gain_at_random(one, other),
        "stones": gain_on_stones(one, other, classes_of(photos)),
        "time": time_to_same(one, other),
    }


def always_basalt_against_coins() -> Effects:
    photos = photographs()
    coins = torch.randint(2, (len(photos),), generator=generator(0, "coins"))
    constant = torch.zeros_like(coins)
    return rocks_world(answering(photos, coins), answering(photos, constant, 0.1), photos)


def commoner_class() -> Effects:
    photos = photographs()
    return rocks_world(commoner(photos), commoner(photos, rarer=True), photos)


def one_stone() -> Effects:
    """Both are right about all, but one misses one stone of forty photographs."""
    photos = photographs()
    assert photos.groups is not None
    missed = torch.where(photos.groups == 2, 1 - photos.targets, photos.targets)
    return rocks_world(
        answering(photos, missed, 2.0), answering(photos, photos.targets, 1.0), photos
    )


def all_right() -> Effects:
    photos = photographs()
    right = answering(photos, photos.targets)
    return rocks_world(right, right, photos)


def baseline_wins() -> Effects:
    """A rival that knows every stone, against coins."""
    photos = photographs()
    coins = torch.randint(2, (len(photos),), generator=generator(1, "coins"))
    return rocks_world(
        answering(photos, photos.targets, 0.1), answering(photos, coins, 1.0), photos
    )


ROCKS = [
    World("constant answers", "Always Basalt, at once, beside coins.",
          always_basalt_against_coins, UNDECIDED),
    World("constant answers", "The class that was seen less, beside that which was seen more.",
          commoner_class, (UNDECIDED, FAILS)),
    World("one replicate", "One stone decides, of forty photographs.", one_stone,
          (UNDECIDED, LIMITED)),
    World("ceiling", "Both are always right, in the same time.", all_right, UNDECIDED),
    World("winning baseline", "The rival is always right, and faster.", baseline_wins, FAILS),
    World("nothing there", "As good, as fast.",
          planted(random=(-3, 3), stones=(-20, 20), time=(0.8, 1.2)), UNDECIDED),
    World("wide interval", "Nothing is known.",
          wide(planted(random=(2, 4), stones=(5, 9), time=(2, 3))), UNDECIDED),
]  # fmt: skip


def read_by(wrong: torch.Tensor) -> Effects:
    """The effects of 6.1 where these images were answered wrongly, with all to learn from."""
    error = lenet.error_of("error", wrong)
    return {"differ": exact("", 0), "error": error, "images": exact("", 60_000)}


def constant_digit() -> Effects:
    return read_by((torch.arange(10_000) % 10 != 1).expand(5, -1))


def one_that_fails() -> Effects:
    """Four networks err on 0.5 %, and one on 90."""
    wrong = (torch.arange(10_000) % 200 == 0).repeat(5, 1)
    wrong[0] = torch.arange(10_000) % 10 != 1
    return read_by(wrong)


def few_images() -> Effects:
    """Nothing is wrong, of a hundred images."""
    return read_by(torch.zeros(5, 100, dtype=torch.bool))


def sums(**values: list[float]) -> Effects:
    """The ratios of 6.4 and 6.5 over replicates."""
    return {name: ratio(name, [1.0] * len(of), of) for name, of in values.items()}


def all_ground() -> Effects:
    """Both networks of 6.6 say that all is ground, of masks that differ by replicate."""
    draw = generator(0, "masks")
    masks = [(torch.rand(4, 16, 16, generator=draw) < 0.1).long() for _ in range(8)]
    said = torch.stack([skips.judged(torch.zeros_like(t), t) for t in masks], 1)
    what = "with minus without"
    return {
        "gain": difference(what, said[0], said[0]),
        "edge": difference(what, said[1], said[1]),
        "more": difference(what, said[1] - said[2], said[1] - said[2]),
    }


def one_picture() -> Effects:
    gains, less = [0.1] * 7 + [40.0], [-0.1] * 7 + [-30.0]
    return {
        "gain": mean("gain", gains), "edge": mean("edge", less), "more": mean("more", less),
    }  # fmt: skip


DEEP = planted(plain=(5, 6), residual=(0.9, 1), deepest=(5, 6), huge=(0.1, 0.2))
IDENTITY = {"better": planted(better=(90, 110))["better"], "zero": exact("", 1.0),
            "other": exact("", 0.0)}  # fmt: skip
SKIPS = planted(gain=(8, 10), edge=(-6, -4), more=(-5, -3))
FOUND = {"differ": exact("", 0), "images": exact("", 60_000), **planted(error=(0.8, 0.9))}

WORLDS: dict[str, list[World]] = {
    "6.1": [
        World("constant answers", "Always 1.", constant_digit, FAILS),
        World("one replicate", "One network of five fails.", one_that_fails, UNDECIDED),
        World("ceiling", "Nothing is wrong, of few images.", few_images, UNDECIDED),
        World("wide interval", "The error may be anything.", wide(FOUND), UNDECIDED),
        World("wide interval", "It begins far below 0.95 %, and ends far above.",
              {**FOUND, **planted(error=(0.1, 7.8))}, UNDECIDED),
    ],
    "6.4": [
        World("wide interval", "Nothing is known.", wide(DEEP), UNDECIDED),
        World("nothing there", "Depth and shortcuts change nothing.",
              planted(plain=(0.9, 1.05), residual=(0.9, 1.05), deepest=(0.9, 1.1), huge=(0.1, 0.2)),
              FAILS),
        World("constant answers", "The deepest network answers its batch with one distribution.",
              {**DEEP, **sums(huge=[1.0] * 8)}, (UNDECIDED, LIMITED)),
        World("one replicate", "The deepest networks learn nothing, but for one that learns all.",
              {**DEEP, **sums(huge=[1.5, 1.3, 1.4, 1.2, 1.6, 1.3, 1.5, 1e-6])}, UNDECIDED),
        World("winning baseline", "Plain networks are better at every depth.",
              {**DEEP, **planted(deepest=(0.4, 0.6))}, FAILS),
    ],
    "6.5": [
        World("wide interval", "Nothing is known of the gradient.", wide(IDENTITY), UNDECIDED),
        World("nothing there", "As much arrives without.",
              {**IDENTITY, **planted(better=(0.8, 1.2))}, UNDECIDED),
        World("one replicate", "It is one network of eight in which more arrives.",
              {**IDENTITY, **sums(better=[1.0, 0.9, 1.1, 1.0, 0.9, 1.1, 1.0, 1e6])}, UNDECIDED),
        World("winning baseline", "More arrives without.",
              {**IDENTITY, **planted(better=(0.1, 0.2))}, FAILS),
    ],
    "6.6": [
        World("constant answers", "Both say that all is ground.", all_ground, UNDECIDED),
        World("wide interval", "Nothing is known.", wide(SKIPS), UNDECIDED),
        World("wide interval", "The gain is known; where it comes from is not.",
              {**wide(SKIPS), "gain": SKIPS["gain"]}, UNDECIDED),
        World("one replicate", "One network of eight gains.", one_picture, UNDECIDED),
        World("winning baseline", "The wider network without skips is better.",
              {**SKIPS, **planted(gain=(-5, -3))}, FAILS),
    ],
    "6.7": ROCKS,
    "6.8": ROCKS,
}  # fmt: skip
EXEMPT: dict[str, str] = {
    "6.2": "Counts: nothing in them is by chance.",
    "6.3": "Counts: nothing in them is by chance.",
    "6.9": "Figures of papers, and counts: nothing is measured, and the rule says so.",
}
