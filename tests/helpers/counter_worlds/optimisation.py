"""Counter-worlds of chapter optimisation."""

import math

import torch

from cutaway import lab
from cutaway.lab.chapters.optimisation import convex, quadratics, shapes
from cutaway.lab.evidence import Verdict, exact, mean
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict

ORDERS = planted(blind=(9, 12), grows=(0.3, 0.6), bent=(4, 6), cost=(0.8, 1))
BATCHES = planted(slope=(-1.02, -0.99), whole=(9, 12), single=(4, 5))
NOISE = planted(clean=(0.97, 1.03), noisy=(0.95, 1.04))
EDGE = {"wrong": exact("", 0), **planted(beyond=(60, 80), fall=(20, 30))}
MINIMA = {"convex": exact("", 0), **planted(narrow=(20, 50), wide=(0, 10))}
STAIRS = {"moved": exact("", 0), **planted(down=(70, 100))}
WALL = planted(lost=(40, 60), arrived=(95, 100), gain=(20, 40))
RACE = planted(steps=(1.4, 1.7), rival=(0.6, 0.8))
JUMPS = planted(bowl=(99, 100), kept=(99, 100), turned=(35, 70))
CONVEX = {
    "round_one": exact("", 0), "away": exact("", 0), "smooth": exact("", 1e-6),
    "kinked": exact("", 1), **planted(narrow=(30, 35)),
}  # fmt: skip


def newton(condition: float, there: bool) -> Effects:
    """3.2 of a valley; or of one at whose floor the search begins."""
    one = quadratics.Valley(4, condition, torch.Generator().manual_seed(0))
    if there:
        one.floor.zero_()
    one.newton()
    return {"left": exact("", one.left()), "cost": exact("", 3)}


def descent_for_newton() -> Effects:
    """3.2 with one step of gradient descent, the best there is, in Newton's place."""
    one = quadratics.Valley(4, 1000.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        one.w.add_(2 / 1001 * one.A @ one.floor)
    return {"left": exact("", one.left()), "cost": exact("", 3)}


def momentum(**settings: float) -> Effects:
    """3.5 in another valley."""
    return lab.claim("3.5").run(grid=20, tried=32, **settings).evidence.effects


def runs_on(loss: shapes.Loss, by_chance: bool, at_the_floor: bool = False) -> list[float]:
    """3.11's measure: runs (%) of plain SGD that arrive."""
    g = torch.Generator().manual_seed(0)
    signs = shapes.landscapes(8, by_chance, g)
    starts = 8 * torch.rand(8, 32, generator=g).double() - 4
    if at_the_floor:
        starts = starts / 100
    ends, _ = shapes.descended(loss, signs, starts, "sgd", 0.3, 80)
    return shapes.arrived(ends).tolist()


def jumps(at_the_floor: bool = False, still: bool = False) -> Effects:
    """3.11 where all starts lie at the floor already; or where the bowl is flat."""
    first = shapes.plain if still else shapes.bowl
    runs = (first, False), (shapes.jumping, False), (shapes.jumping, True)
    named = zip(("bowl", "kept", "turned"), runs, strict=True)
    return {name: mean("", runs_on(*of, at_the_floor)) for name, of in named}


def round_bowls() -> Effects:
    """3.12 where each valley is round, and each loss a parabola."""
    places = torch.randn(4, 64, 3, generator=torch.Generator().manual_seed(0)).double()
    found = convex.in_valley(1.0, places)
    left = convex.sizes(torch.tensor([1.0, 1e-6]).double())["theta^2 / 2"]
    shrunk = exact("", left[1] / left[0])
    return {
        "round_one": exact("", found.max()), "away": exact("", int((found >= 90).sum())),
        "narrow": mean("", found.mean(1)), "smooth": shrunk, "kinked": shrunk,
    }  # fmt: skip


def constant_direction() -> Effects:
    """3.12 where all gradients lead the same way, whatever the place: half of them lead away."""
    places = torch.randn(4, 64, 2, generator=torch.Generator().manual_seed(0)).double()
    found = convex.angles(torch.ones_like(places), places)
    return {
        **CONVEX, "away": exact("", int((found >= 90).sum())), "narrow": mean("", found.mean(1)),
        "kinked": exact("", 1e-6),
    }  # fmt: skip


WORLDS: dict[str, list[World]] = {
    "3.1": [
        World("wide interval", "Work that could be any.", wide(ORDERS), UNDECIDED),
        World(
            "wide interval", "Only Newton's advantage is uncertain.",
            {**ORDERS, **wide(planted(bent=(1, 9)))}, UNDECIDED,
        ),
        World(
            "ceiling", "No method arrives in the steps it may take: all ratios are 1.",
            planted(blind=1, grows=0, bent=1, cost=0), UNDECIDED,
        ),
        World(
            "winning baseline", "Values alone take less work.", ORDERS | planted(blind=(0.5, 0.8)),
            FAILS,
        ),
    ],
    "3.2": [
        World("winning baseline", "A step of descent in its place.", descent_for_newton, FAILS),
        World(
            "leaked truth", "It begins at the floor.", lambda: newton(1000.0, there=True), FAILS
        ),
        World(
            "nothing there", "0 / 0.",
            {"left": exact("", math.nan), "cost": exact("", 3)}, FAILS,
        ),
    ],
    "3.3": [
        World("wide interval", "Exponent and ratios that could be any.", wide(BATCHES), UNDECIDED),
        World(
            "constant answers", "A gradient without noise: an exponent of 0.",
            BATCHES | planted(slope=(0, 0)), FAILS,
        ),
        World(
            "ceiling", "No batch size meets the target: as many steps for each.",
            BATCHES | planted(whole=(0.9, 1.1)), UNDECIDED,
        ),
    ],
    "3.4": [
        World("wide interval", "Ratios that could be any.", wide(NOISE), UNDECIDED),
        World(
            "one replicate", "One network of many that a small batch saves.",
            NOISE | planted(clean=(0.9, 1.6)), UNDECIDED,
        ),
        World(
            "constant answers", "All networks answer alike: no batch size errs more often.",
            planted(clean=1, noisy=1), FAILS,
        ),
        World(
            "nothing there", "More for certain, and less than a twentieth more.",
            planted(clean=(1.001, 1.04), noisy=(1.001, 1.04)), FAILS,
        ),
        World(
            "winning baseline", "The full batch errs less often.",
            planted(clean=(0.8, 0.9), noisy=(0.8, 0.9)), FAILS,
        ),
    ],
    "3.5": [
        World(
            "winning baseline", "Hardly a valley: plain descent, at its best, arrives at once.",
            lambda: momentum(steepest=1.1), LIMITED,
        ),
        World(
            "nothing there", "A step at which plain descent does not swing: nothing to damp.",
            lambda: momentum(steepest=50.0), FAILS,
        ),
    ],
    "3.6": [
        World("wide interval", "Networks that could be anywhere.", wide(EDGE), UNDECIDED),
        World(
            "nothing there", "Networks that never come above the bound do not test it.",
            EDGE | planted(beyond=(0, 2)), UNDECIDED,
        ),
        World(
            "one replicate", "One network is lost, the others fall.",
            EDGE | planted(fall=(-30, 40)), UNDECIDED,
        ),
    ],
    "3.7": [
        World("wide interval", "Ends that could be any.", wide(MINIMA), UNDECIDED),
        World(
            "leaked truth", "Networks that begin as their teachers: all end at the minimum.",
            MINIMA | planted(narrow=(0, 5), wide=(0, 5)), FAILS,
        ),
        World(
            "ceiling", "No network moves: all are above the minimum, however wide.",
            MINIMA | planted(narrow=(99.5, 100), wide=(40, 100)), UNDECIDED,
        ),
    ],
    "3.8": [
        World("wide interval", "Runs of CMA-ES that could be any.", wide(STAIRS), UNDECIDED),
        World(
            "winning baseline", "Values tell as little as gradients.",
            STAIRS | planted(down=(0, 20)), HOLDS,
        ),
        World(
            "leaked truth", "A gradient that was told where the floor is.",
            STAIRS | {"moved": exact("", 0.5)}, FAILS,
        ),
    ],
    "3.9": [
        World("wide interval", "Runs and gains that could be any.", wide(WALL), UNDECIDED),
        World(
            "one replicate", "One network that clipping saves.",
            WALL | planted(gain=(-20, 40)), UNDECIDED,
        ),
        World(
            "ceiling", "All arrive and all are right, clipped or not.",
            planted(lost=(0, 2), arrived=(98, 100), gain=0), FAILS,
        ),
        World(
            "constant answers", "Networks that answer alike, clipped or not.",
            WALL | planted(gain=0), LIMITED,
        ),
    ],
    "3.10": [
        World("wide interval", "Steps that could be any.", wide(RACE), UNDECIDED),
        World(
            "wide interval", "Only the rival's are uncertain.", RACE | planted(rival=(0.5, 2)),
            UNDECIDED,
        ),
        World(
            "ceiling", "None meets the target: as many steps for each.",
            planted(steps=1, rival=1), UNDECIDED,
        ),
        World(
            "winning baseline", "Plain SGD is there first.", RACE | planted(steps=(0.6, 0.9)), FAILS
        ),
    ],
    "3.11": [
        World("wide interval", "Runs that could be any.", wide(JUMPS), UNDECIDED),
        World("leaked truth", "All start at the floor.", lambda: jumps(at_the_floor=True), FAILS),
        World("nothing there", "A bowl without a slope.", lambda: jumps(still=True), UNDECIDED),
    ],
    "3.12": [
        World("wide interval", "Angles that could be any.", wide(CONVEX), UNDECIDED),
        World("winning baseline", "Round bowls and parabolas.", round_bowls, HOLDS),
        World("constant answers", "All gradients lead one way.", constant_direction, LIMITED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
