"""Counter-worlds of chapter practice."""

import math

import torch

from cutaway.lab.chapters.practice.attacks import attacked
from cutaway.lab.chapters.practice.dense import accuracy_of, trained
from cutaway.lab.evidence import Effect, Verdict, difference, exact, mean
from cutaway.lab.figures import SHARE
from cutaway.lab.tools.samples import Samples
from cutaway.learn.fleet.stack import Stack
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict


class Constant(torch.nn.Module):
    """Says 0 of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = self.bias.clone()
        score[0] = score[0] + 1
        return score + 0 * x.flatten(1).sum(1, keepdim=True)


class Light(torch.nn.Module):
    """Says 1 where more than half of the light is there, else 0: any pixel tells as much as any."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        more = self.weight * (x.flatten(1).mean(1) - 0.5)
        return torch.stack([-more, more, *[more * 0 - 9] * 8], 1)


def under_attack(net: torch.nn.Module, x: torch.Tensor, t: torch.Tensor) -> Effects:
    """What 8.1 measures of four networks that are alike, with one pixel of 64."""
    tested = Samples(x, t)
    tries = [attacked(net, tested, 20, 1, (0, k)) for k in range(4)]
    strong, chance = (torch.stack([one.turned[i, 1] for one in tries]) for i in (0, 2))
    with torch.no_grad():
        right = 100 * (net(x).argmax(1) == t).float().mean()
    return {
        "turned": mean("turned", strong, "%", SHARE),
        "extra": difference("more than random", chance, strong, "points"),
        "right": mean("right", [right.item()] * 4, "%", SHARE),
    }


def constant_answers() -> Effects:
    x = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return under_attack(Constant(), x, torch.arange(200) % 10)


def random_is_as_good() -> Effects:
    """Images at the edge of two classes, which the change of any pixel takes over it."""
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(200, 1, 8, 8, generator=g) < 0.5).float()
    for one in x.flatten(1):
        one[: 31 + int(one[0])] = 1  # 32 or 31 pixels are light, or a few more
        one[31 + int(one[0]) :] = 0
    t = (x.flatten(1).mean(1) > 0.5).long()
    return under_attack(Light(), x, t)


def same_networks() -> Effects:
    """What 8.4 measures where both kinds are one network, on noise that teaches nothing."""
    g = torch.Generator().manual_seed(0)
    noise = Samples(torch.randn(300, 1, 8, 8, generator=g), torch.arange(300) % 10)

    def right(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        nets = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)) for _ in range(8)]
        found: Stack = trained(nets, noise.first(200), 40, 5, 0.01, seed)
        return accuracy_of(found, Samples(noise.x[200:], noise.t[200:]))

    gaps = [difference("gap", right(k), right(k + 10), "points") for k in range(2)]
    return {"large": gaps[0], "small": gaps[1]}


def one(name: str, value: float) -> dict[str, Effect]:
    return {name: exact(name, value)}


FEW = planted(turned=(60, 70), extra=(55, 65), right=(96, 98))
BITS = planted(lost=(-0.1, 0.2), coarse=(15, 25), right=(96, 98), small=(0.4, 0.5), large=(1.2, 3))
BITS |= one("size", 0.26)
GRAPHS = one("opened", 100) | one("closed", 0) | one("same", 1)
TODAY = {k: exact(k, 0.0) for k in ("usage", "training", "hidden", "serving")}
TABLED = {k: exact(k, 1.0) for k in TODAY}

WORLDS: dict[str, list[World]] = {
    "8.1": [
        World("wide interval", "So few images that all is possible.", wide(FEW), UNDECIDED),
        World(
            "wide interval", "Only the difference from random pixels is unknown.",
            FEW | wide(planted(extra=(55, 65))), UNDECIDED,
        ),
        World("constant answers", "0 of everything.", constant_answers, UNDECIDED),
        World(
            "nothing there", "Networks that have learned little, whose answers anything turns.",
            FEW | planted(right=(20, 30)), UNDECIDED,
        ),
        World(
            "winning baseline", "Any pixel, changed by as much, does the same.", random_is_as_good,
            FAILS,
        ),
        World(
            "ceiling", "All answers turn, by random pixels, too.",
            planted(turned=(100, 100), extra=(0, 1), right=(96, 98)), FAILS,
        ),
        World(
            "one replicate", "One network of eight turns always, the others never.",
            {
                "turned": mean("turned", [100.0] + [0.0] * 7, "%", SHARE),
                "extra": difference("extra", [0.0] * 8, [100.0] + [0.0] * 7, "points"),
                "right": mean("right", [97.0] * 8, "%", SHARE),
            }, UNDECIDED,
        ),
    ],
    "8.2": [
        World("wide interval", "So few networks that all is possible.", wide(BITS), UNDECIDED),
        World(
            "wide interval", "Only the time is unknown.",
            BITS | wide(planted(small=(0.4, 0.5), large=(1.2, 3))), UNDECIDED,
        ),
        World(
            "constant answers", "Networks that say one digit lose nothing by rounding.",
            BITS | planted(right=(9, 11), coarse=(0, 0), lost=(0, 0)), UNDECIDED,
        ),
        World(
            "ceiling", "A task so easy that not even two bits lose a point.",
            BITS | planted(coarse=(0, 0.2), right=(100, 100)), UNDECIDED,
        ),
        World(
            "nothing there", "This PyTorch has no kernels for whole numbers.",
            BITS | planted(small=math.nan, large=math.nan), UNDECIDED,
        ),
        World(
            "winning baseline", "Two bits are as good as eight is bad.",
            BITS | planted(lost=(15, 25)), FAILS,
        ),
        World(
            "leaked truth", "The file holds the 32 bits as well.", BITS | one("size", 1.25), FAILS,
        ),
    ],
    "8.3": [
        World(
            "wide interval", "The clock says nothing.",
            GRAPHS | wide(planted(compiled=(1.2, 1.4))), UNDECIDED,
        ),
        World(
            "one replicate", "One slow spell of the machine.",
            GRAPHS | planted(compiled=(0.3, 9)), UNDECIDED,
        ),
        World(
            "nothing there", "No compiler.", GRAPHS | planted(compiled=math.nan), UNDECIDED,
        ),
        World(
            "readable code", "The static graph is as open as the dynamic one.",
            GRAPHS | one("closed", 100) | planted(compiled=(1.2, 1.4)), FAILS,
        ),
        World(
            "constant answers", "The file answers fast, and something else.",
            GRAPHS | one("same", 0) | planted(compiled=(5, 9)), FAILS,
        ),
    ],
    "8.4": [
        World(
            "wide interval", "So few networks that all is possible.",
            wide(planted(large=(1, 3), small=(0.5, 2))), UNDECIDED,
        ),
        World(
            "wide interval", "On one of the two all is possible.",
            planted(large=(1, 3)) | wide(planted(small=(-9, -5))), UNDECIDED,
        ),
        World("nothing there", "Both kinds are the same, on noise.", same_networks, UNDECIDED),
        World(
            "ceiling", "Both kinds are always right.", planted(large=(0, 0), small=(0, 0)),
            UNDECIDED,
        ),
        World(
            "winning baseline", "Dense layers win on both.",
            planted(large=(-3, -1), small=(-9, -5)), FAILS,
        ),
        World(
            "one replicate", "One network of eight is far ahead.",
            {
                name: difference("gap", [90.0] * 8, [99.0] + [89.5] * 7, "points")
                for name in ("large", "small")
            }, UNDECIDED,
        ),
    ],
    "8.5": [
        World(
            "wide interval", "TensorFlow is as PyTorch is, and the clock says nothing.",
            TODAY | wide(planted(faster=(0.9, 1.2))), UNDECIDED,
        ),
        World(
            "wide interval", "TensorFlow is as tabled, and the clock says nothing.",
            TABLED | wide(planted(faster=(0.9, 1.2))), UNDECIDED,
        ),
        World(
            "nothing there", "No TensorFlow was run.",
            {k: exact(k, math.nan) for k in TODAY} | planted(faster=math.nan), UNTESTED,
        ),
        World(
            "readable code", "TensorFlow hides nothing and is no faster.",
            TODAY | planted(faster=(0.5, 0.8)), FAILS,
        ),
        World(
            "one replicate", "One slow spell of the machine makes TensorFlow look slow.",
            TABLED | planted(faster=(0.1, 5)), UNDECIDED,
        ),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
