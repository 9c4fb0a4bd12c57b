"""Counter-worlds of chapter generation."""

import torch
from torch import Tensor, nn

from cutaway.lab.chapters.generation.collapse import lost
from cutaway.lab.chapters.generation.costs import looks_until
from cutaway.lab.chapters.generation.labelled import classified, nearest
from cutaway.lab.chapters.generation.modes import Ring
from cutaway.lab.chapters.generation.players import digits, distance
from cutaway.lab.chapters.generation.shadows import plain_share, rotated
from cutaway.lab.evidence import Verdict, difference, exact, mean, ratio
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED = (
    Verdict.HOLDS,
    Verdict.LIMITED,
    Verdict.FAILS,
    Verdict.UNDECIDED,
)
WIDE = "Intervals that hold everything."
HEIGHT = torch.linspace(1, 10, 120)
BAND = (HEIGHT > 4).long() + (HEIGHT > 7).long()
MARKS = torch.stack([(HEIGHT - 1 - 3 * k).clamp(0, 3) / 3 for k in range(3)], 1)
"""A thermometer: each unit rises in a band of its own."""


def _read(codes: list[Tensor], error: float = 10) -> Effects:
    """A code of heights, measured as claim 7.1 does."""
    shares = [plain_share(code, HEIGHT, BAND) for code in codes]
    return planted(error=(error - 1, error + 1)) | {"plain": mean("planted", shares)}


def _mixtures() -> Effects:
    g = torch.Generator().manual_seed(0)
    return _read([rotated(MARKS, g) for _ in range(64)])


def _causes() -> Effects:
    """One unit is the height, one the band; the third is dead."""
    return _read([torch.stack([HEIGHT / 10, BAND / 2, torch.zeros(120)], 1)] * 8)


def _never() -> Effects:
    """A cheap code that never comes near the goal: its cost to it is no number."""
    curve, goal = torch.full((10, 8), 60.0), torch.full((8,), 70.0)
    cost = ratio("planted", [20.0] * 8, looks_until(curve, goal))
    gains = planted(better=(-12, -8), tuned=(-12, -8))
    return gains | {"sooner": cost, "counted": cost}


def _dominated() -> Effects:
    gains = difference("planted", [0.0] * 8, [0.0] * 7 + [40.0])
    return planted(sooner=(0.5, 2), counted=(50, 90)) | {"better": gains, "tuned": gains}


def _same_picture() -> Effects:
    """The DCGAN draws the mean digit again and again, the MLPs a normal distribution."""
    x, _ = digits(0)
    flat, g = nn.Module(), torch.Generator().manual_seed(0)
    flat.hidden = nn.Identity()
    x = x.x[:200]
    mlps = x.mean(0) + x.std(0) * torch.randn(x.shape, generator=g)
    dcgan = x.mean(0).expand_as(x) + 1e-3 * torch.randn(x.shape, generator=g)
    far = [[distance(flat, x, one)] * 8 for one in (mlps, dcgan)]
    return {name: ratio("planted", *far) for name in ("apart", "priced")}


GAME = {"alone": exact("planted", 0), "turns": exact("planted", 5000)}
INVENTED = planted(labels=(2, 4), linear=(1, 2), matching=(1.2, 2), minibatch=(1.2, 2)) | GAME
TURNS = {"turns": exact("planted", 4000)}


def _one_class() -> Effects:
    """All drawn pairs have the same label."""
    learned, tested = digits(0)
    x = learned.x[:100].flatten(1).expand(2, -1, -1)
    right = classified(x, torch.full((2, 100), 3), tested, 0)
    return planted(gap=(-90, -85), fresh=(0.9, 1.1)) | TURNS | {"right": mean("planted", right)}


def _copies() -> Effects:
    """A generator that draws its training examples."""
    learned, tested = digits(0)
    real = learned.x.flatten(1)
    share = nearest(real[:200], real).mean() / nearest(tested.x.flatten(1), real).mean()
    copied = mean("planted", [share.item()] * 8)
    return planted(right=(96, 98), gap=(-1, 1)) | TURNS | {"fresh": copied}


BEYOND = planted(
    inside=(0.01, 0.05), outside=(1.8, 2.4), straight=(0.01, 0.02), siren=(-0.3, -0.1),
    wave=(0, 0.01), found=(94, 100),
)  # fmt: skip
FORGOTTEN = planted(
    usual=(80, 90), more=(80, 90), lost=(40, 60), tuned=(30, 50), left=(0, 5), dropped=(10, 14),
    noisy=(7, 9),
)  # fmt: skip


def _cover(plain: Tensor, helped: Tensor) -> Effects:
    """Modes that were drawn look by look, by generators that do not learn, as 7.18 counts them."""
    known = torch.full((8,), 100.0)
    path, late = Ring().covered(plain), Ring().covered(helped)[-1]
    return FORGOTTEN | {
        "usual": difference("planted", path[-1], known),
        "more": difference("planted", path[-1], late),
        "lost": mean("planted", lost(path, 2)),
        "left": mean("planted", 100 - late),
    }


def _even_noise() -> Effects:
    """With minibatch discrimination noise is drawn, which comes near each mode."""
    g = torch.Generator().manual_seed(0)
    one = torch.tensor([1.0, 0.0]) + 0.1 * torch.randn(4, 8, 400, 2, generator=g)
    return _cover(one, 3 * torch.rand(4, 8, 400, 2, generator=g) - 1.5)


def _all_found() -> Effects:
    g = torch.Generator().manual_seed(0)
    return _cover(*(Ring().draw(4, 8, 400, g=g) for _ in range(2)))


def _never_found() -> Effects:
    """Plain games draw one mode all the time: much is missing, and nothing was lost."""
    g = torch.Generator().manual_seed(0)
    one = torch.tensor([1.0, 0.0]) + 0.1 * torch.randn(4, 8, 400, 2, generator=g)
    return _cover(one, Ring().draw(4, 8, 400, g=g))


MARKED = {"unable": exact("planted", 0.7), "able": exact("planted", 0)}

WORLDS: dict[str, list[World]] = {
    "7.1": [
        World("readable code", "A thermometer.", lambda: _read([MARKS] * 8), LIMITED),
        World("readable code", "A unit for each cause.", _causes, LIMITED),
        World("nothing there", "Random rotations: every axis is a mixture.", _mixtures, HOLDS),
        World(
            "constant answers", "Dead units, the mean shadow.",
            lambda: _read([torch.zeros(120, 3)] * 8, error=100), FAILS,
        ),
        World("wide interval", WIDE, wide(planted(error=(9, 11), plain=(20, 30))), UNDECIDED),
    ],
    "7.2": [
        World("constant answers", "Cheap, and never near the goal.", _never, UNDECIDED),
        World("one replicate", "One of eight gains 40 points.", _dominated, UNDECIDED),
        World(
            "nothing there", "Level in accuracy, and nothing saved.",
            planted(better=(-1, 0.9), tuned=(-1, 0.9), sooner=(1.1, 2), counted=(50, 90)), FAILS,
        ),
        World(
            "wide interval", WIDE,
            wide(planted(better=(1, 2), tuned=(1, 2), sooner=(0.1, 0.2), counted=(0.1, 0.2))),
            UNDECIDED,
        ),
    ],
    "7.5": [
        World(
            "constant answers", "A discriminator that says 1/2 of everything, and need not.",
            planted(mended=(0.2, 0.3), printed=(0.8, 0.9), half=(50, 50), taught=(90, 99)), LIMITED,
        ),
        World(
            "nothing there", "Nobody learns.",
            planted(mended=(0.95, 1.1), printed=(0.9, 1.1), half=(50, 50), taught=(99, 100)), FAILS,
        ),
        World(
            "wide interval", "Accuracies that may be anything.",
            planted(mended=(0.2, 0.3), printed=(0.8, 0.9), half=(0, 100), taught=(0, 100)),
            UNDECIDED,
        ),
        World(
            "wide interval", WIDE,
            wide(planted(mended=(0, 1), printed=(0, 1), half=(0, 1), taught=(0, 1))), UNDECIDED,
        ),
    ],
    "7.6": [
        World("constant answers", "The mean digit again and again.", _same_picture, FAILS),
        World(
            "nothing there", "No difference.",
            planted(apart=(0.8, 1.2), priced=(0.8, 1.2)), UNDECIDED,
        ),
        World("wide interval", WIDE, wide(planted(apart=(0.3, 0.4), priced=(0.3, 0.4))), UNDECIDED),
        World(
            "winning baseline", "MLPs that have done as much are ahead.",
            planted(apart=(0.3, 0.4), priced=(1.1, 1.4)), LIMITED,
        ),
    ],
    "7.7": [
        World(
            "winning baseline", "A softmax on the pixels is better than the game.",
            INVENTED | planted(linear=(-9, -5)), LIMITED,
        ),
        World(
            "nothing there", "Nothing changes anything.",
            INVENTED | planted(labels=(-2, 2), matching=(0.9, 1.1), minibatch=(0.9, 1.1)),
            UNDECIDED,
        ),
        World(
            "one replicate", "One of three effects by chance.",
            INVENTED | planted(labels=(-2, 2), matching=(0.9, 1.1)), UNDECIDED,
        ),
        World("wide interval", WIDE, wide(INVENTED), UNDECIDED),
    ],
    "7.9": [
        World(
            "constant answers", "The sines draw one grey.",
            planted(gain=(-8, -7), slope=(-0.4, -0.3), siren=(10.5, 10.6)), FAILS,
        ),
        World(
            "ceiling", "Both fit every pixel.",
            planted(gain=(-1, 1), slope=(-0.001, 0.001), siren=(59, 61)), UNDECIDED,
        ),
        World(
            "wide interval", WIDE, wide(planted(gain=(14, 16), slope=(0.1, 0.3), siren=(39, 41))),
            UNDECIDED,
        ),
    ],
    "7.10": [
        World(
            "leaked truth", "The wave was kept from a start next to the truth; others do not find "
            "it.", BEYOND | planted(found=(0, 6)), LIMITED,
        ),
        World(
            "winning baseline", "A flat line is nearer than the sines.",
            BEYOND | planted(siren=(0.1, 0.3)), LIMITED,
        ),
        World(
            "constant answers", "ReLUs that say 0 of everything: straight, and fitting nothing.",
            BEYOND | planted(inside=(0.69, 0.71), outside=(0.71, 0.73), straight=(0, 0)), UNDECIDED,
        ),
        World("wide interval", WIDE, wide(BEYOND), UNDECIDED),
    ],
    "7.11": [
        World(
            "constant answers", "A space of constants: no spread, and no fit.",
            planted(data=(0.1, 0.2), space=(0, 1e-9), misfit=(0.69, 0.71)), UNDECIDED,
        ),
        World(
            "nothing there", "Spreads as they were.",
            planted(data=(0.5, 2), space=(0.5, 2), misfit=(0, 0.01)), UNDECIDED,
        ),
        World(
            "wide interval", "One of two ratios may be anything.",
            planted(data=(0.1, 0.2), space=(0, 1e9), misfit=(0, 0.01)), UNDECIDED,
        ),
        World(
            "wide interval", WIDE,
            wide(planted(data=(0.1, 0.2), space=(0.1, 0.2), misfit=(0, 0.01))), UNDECIDED,
        ),
    ],
    "7.12": [
        World(
            "nothing there", "More waves and more waiting cost nothing.",
            MARKED | planted(needless=(0.8, 1.3), waiting=(0.9, 1.1)), UNDECIDED,
        ),
        World(
            "winning baseline", "The cubic is as near, more waves are nearer, and a row is faster.",
            {"unable": exact("planted", 0.01), "able": exact("planted", 0)}
            | planted(needless=(0.3, 0.6), waiting=(0.5, 0.8)),
            FAILS,
        ),
        World(
            "wide interval", WIDE, MARKED | wide(planted(needless=(5, 9), waiting=(5, 9))),
            UNDECIDED,
        ),
    ],
    "7.13": [
        World("constant answers", "Every drawn pair has the same label.", _one_class, FAILS),
        World("leaked truth", "What is drawn are the training examples.", _copies, LIMITED),
        World(
            "wide interval", WIDE,
            TURNS | wide(planted(right=(90, 95), gap=(-3, -1), fresh=(0.9, 1.1))), UNDECIDED,
        ),
    ],
    "7.18": [
        World("constant answers", "Even noise, with minibatch discrimination.", _even_noise, FAILS),
        World("winning baseline", "The plain GAN draws all modes.", _all_found, FAILS),
        World("nothing there", "Modes that were never found, not lost.", _never_found, LIMITED),
        World(
            "winning baseline", "A lower momentum is all it takes.",
            FORGOTTEN | planted(tuned=(-1, 4)), LIMITED,
        ),
        World(
            "readable code", "Recall does not see that a mode is gone.",
            FORGOTTEN | planted(dropped=(-1, 1)), LIMITED,
        ),
        World(
            "one replicate", "One game of eight is saved.",
            FORGOTTEN | {"more": difference("planted", [10.0] * 8, [10.0] * 7 + [100.0])},
            UNDECIDED,
        ),
        World("wide interval", WIDE, wide(FORGOTTEN), UNDECIDED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {
    "7.3": "Counts and fractions, all exact; two numbers are looked up.",
    "7.4": "Logarithms, all exact.",
}
