"""Mode collapse over time, in a world whose modes are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.lab.chapters.generation.modes import (
    KERNELS,
    Duel,
    Kind,
    Ring,
    precision,
    recall,
    smoothed,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, certain, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over, part
from cutaway.lab.settings import Batch, Range, Replicates, Seed, Width
from cutaway.randomness import generator

PLAIN, HELPED, SLOWER = "plain", "with minibatch discrimination", "plain, momentum 0.5"
KINDS = {PLAIN: Kind(0, 0.9, 1e-3), HELPED: Kind(KERNELS, 0.9, 1e-3), SLOWER: Kind(0, 0.5, 1e-2)}
DRAWN, LOOKS, WINDOW = 500, 20, 5
"""Points that are drawn at each look, the looks at a game, and those that make a window."""


def collapses(
    usual: Effect, more: Effect, lost: Effect, tuned: Effect, left: Effect,
    dropped: Effect, noisy: Effect,
) -> Verdict:  # fmt: skip
    """What it takes: the plain GAN misses more than 10 points of the modes beyond what a kernel
    density misses, and with minibatch discrimination more than 5 points more are covered. What it
    should keep besides: the plain GAN has lost more than 5 points since most were covered; it
    misses more than 10 points with a momentum of 0.5 as well; with minibatch discrimination less
    than 10 % are missed; and recall falls by more than 5 points where one mode of eight is dropped,
    precision where one point of eight is noise. Each is so, or is not, where its whole interval is
    on one side of the bound. Holds if all are so; does not hold if one of the first two is not;
    with limits if those two are so and one of the others is not; else undecided."""
    takes = _above(usual, 10), _above(more, 5)
    whole = _above(left, 10)
    besides = [
        _above(lost, 5), _above(tuned, 10), None if whole is None else not whole,
        _above(dropped, 5), _above(noisy, 5),
    ]  # fmt: skip
    if False in takes:
        return Verdict.FAILS
    if None in takes:
        return Verdict.UNDECIDED
    if False in besides:
        return Verdict.LIMITED
    return Verdict.UNDECIDED if None in besides else Verdict.HOLDS


def _above(effect: Effect, bound: float) -> bool | None:
    return certain(effect.low > bound, effect.high < bound)


@claim(
    "7.18",
    says="With time the generator of a GAN draws fewer and fewer of the modes of its data (mode "
    "collapse); minibatch discrimination prevents it; precision and recall of samples show it.",
    source="textbook 4.5.2, the improved GAN, which names minibatch discrimination; Salimans et "
    "al. 2016, section 3.2, for what it is against; Kynkaanniemi et al. 2019",
    rule=collapses,
    baseline="A kernel density of the same examples, which cannot collapse: it covers all eight "
    "modes. Even noise about the ring covers none of them, a generator that draws one point "
    "12.5 %. Discriminators have as many weights with minibatch discrimination as without.",
    otherwise="Games that are much longer, pictures in place of points, and a generator that "
    "learns faster than its discriminator.",
    doubt="Are modes lost with time, or were they never found? Does it take an invention to find "
    "them, or a lower momentum?",
    revised="2026-11-29, after runs with seeds 0 to 5: a game of 600 turns left one of three "
    "undecided, and has 800 since; and when most modes were covered is told by the other half of "
    "the games, no longer by all others, which leans to no loss. Run with seeds 6 to 8 then. The "
    "rule is the first one, but whoever wrote it had seen trials of seeds 100 and 101, by which "
    "the world, both momenta and the rates were chosen.",
    full={"replicates": 32, "steps": 20_000, "width": 128},
)
def mode_collapse(
    steps: Annotated[int, Range(LOOKS, 1_000_000)] = 800,
    width: Width = 32,
    batch: Batch = 32,
    examples: Annotated[int, Range(100, 100_000)] = 1000,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """GANs learn points from eight normal distributions on a circle, so that it can be counted
    which of them they draw: a plain GAN with Adam as it comes (momentum 0.9), one with minibatch
    discrimination, and a plain one with a momentum of 0.5, each at the rate that suits it. A mode
    is covered where at least half of its part of all draws lies within three sigma. Modes are
    averaged over the last quarter of the game."""
    ring, g = Ring(), generator(seed, "7.18")
    x = ring.draw(replicates, examples, g=g)
    fresh = ring.draw(replicates, DRAWN, g=g)
    games = {}
    for name, kind in KINDS.items():
        own = generator(seed, "7.18", "game")
        games[name] = _watched(Duel(kind, x, width, own), ring, fresh, steps, batch)
    smooth = torch.stack([smoothed(one, DRAWN, g) for one in x])
    known = ring.covered(smooth)
    late = {name: game.covered[-WINDOW:].mean(0) for name, game in games.items()}
    dropped, noisy = _planted(ring, fresh, g)
    record = Record()
    record.effects(
        usual=difference("modes missed by the plain GAN", late[PLAIN], known, "points"),
        more=difference(
            "more modes with minibatch discrimination", late[PLAIN], late[HELPED], "points"
        ),
        lost=mean("modes lost since most were covered", lost(games[PLAIN].covered), "points"),
        tuned=difference("modes missed with momentum 0.5", late[SLOWER], known, "points"),
        left=mean("modes missed with discrimination", 100 - late[HELPED], "%", SHARE),
        dropped=mean("recall lost with one mode of eight", dropped, "points"),
        noisy=mean("precision lost with one point of eight noise", noisy, "points"),
        told=difference(
            "more recall with it", games[PLAIN].recall[-1], games[HELPED].recall[-1], "points"
        ),
    )
    _table(record, games, late, (known, ring.good(smooth), precision(fresh, smooth),
                                 recall(fresh, smooth)))  # fmt: skip
    _figures(record, games, [fresh[0], *(game.drawn[0] for game in games.values())], steps)
    record.takes("More replicates, and longer games.")
    kept = {name: one.mean().item() for name, one in late.items()}
    gone = lost(games[PLAIN].covered)
    return record.because(f"""
        After {steps} turns the plain GAN covers {kept[PLAIN]:.0f} % of the modes, with minibatch
        discrimination {kept[HELPED]:.0f} %, a kernel density {known.mean().item():.0f} %. Of the
        {100 - kept[PLAIN]:.0f} points that the plain GAN misses, {_points(gone)} were covered
        before: the others it has not lost but never found. With a momentum of 0.5 in place of 0.9,
        and no invention, it covers {kept[SLOWER]:.0f} %. Where one mode of eight is left out on
        purpose, recall falls by {_points(dropped)} points (12.5 in truth), and precision by
        {_points(noisy)} where one point of eight is noise. But recall is not the share of modes: it
        says {_points(games[PLAIN].recall[-1])} % of the plain GAN,
        {_points(games[HELPED].recall[-1])} % of that with minibatch discrimination and
        {_points(games[SLOWER].recall[-1])} % of that with less momentum. It also asks how much of
        each mode is drawn, and points that are scattered reach widely.
    """)


@dataclass(frozen=True)
class Watched:
    """A game, look by look, and what it draws at the end."""

    covered: Float[Tensor, "looks r"]
    good: Float[Tensor, "r"]
    precision: Float[Tensor, "windows r"]
    recall: Float[Tensor, "windows r"]
    drawn: Float[Tensor, "r n 2"]


def _watched(
    game: Duel, ring: Ring, fresh: Float[Tensor, "r n 2"], steps: int, batch: int
) -> Watched:
    covered, told = [], []
    for step in range(steps):
        game.turn(batch)
        if (look := (step + 1) * LOOKS // steps) > step * LOOKS // steps:
            y = game.drawn(DRAWN).detach()
            covered.append(ring.covered(y))
            if look % WINDOW == 0:
                told.append((precision(fresh, y), recall(fresh, y)))
    near, reached = (torch.stack(one) for one in zip(*told, strict=True))
    return Watched(torch.stack(covered), ring.good(y), near, reached, y)


def lost(covered: Float[Tensor, "looks r"], window: int = WINDOW) -> Float[Tensor, "r"]:
    """How many more modes each game covered when the other half of the games covered most, than at
    the end; both are means over a window of looks. Its own best look would always be ahead, by
    chance."""
    means, half = covered.unfold(0, window, 1).mean(-1), covered.shape[1] // 2
    parts = means[:, :half], means[:, half:]
    best = [other.mean(1).argmax() for other in reversed(parts)]
    return torch.cat([own[i] - own[-1] for own, i in zip(parts, best, strict=True)])


def _planted(
    ring: Ring, fresh: Float[Tensor, "r n 2"], g: torch.Generator
) -> tuple[Float[Tensor, "r"], Float[Tensor, "r"]]:
    """What recall loses where one mode is dropped, and precision where an eighth is noise."""
    r, n, _ = fresh.shape
    whole, few = ring.draw(r, n, g=g), ring.draw(r, n, g=g, kept=ring.modes - 1)
    noise = whole.clone()
    noise[:, : n // 8] = 3 * torch.rand(r, n // 8, 2, generator=g) - 1.5
    lower = recall(fresh, whole) - recall(fresh, few)
    return lower, precision(fresh, whole) - precision(fresh, noise)


def _points(values: Float[Tensor, "r"]) -> str:
    return f"{values.mean().item():.1f}"


def _table(
    record: Record, games: Mapping[str, Watched], late: Mapping[str, Tensor],
    smooth: tuple[Tensor, ...],
) -> None:  # fmt: skip
    rows: list[tuple[str | float | None, ...]] = []
    for name, game in games.items():
        ends = late[name], lost(game.covered), game.good, game.precision[-1], game.recall[-1]
        rows.append((name, *(one.mean().item() for one in ends)))
    covered, *others = (one.mean().item() for one in smooth)
    rows.append(("kernel density", covered, None, *others))
    columns = "drawn by | modes covered (%) | lost again (points) | within 3 sigma (%)"
    record.table("At the end", rows, f"{columns} | precision (%) | recall (%)")


def _figures(
    record: Record, games: Mapping[str, Watched], points: list[Float[Tensor, "n 2"]], steps: int
) -> None:
    turns = [-(-steps * (i + 1) // LOOKS) for i in range(LOOKS)]
    series = [over(name, turns, game.covered, within=SHARE) for name, game in games.items()]
    record.curves("Modes over time", "turns", "modes covered (%)", *series)
    told = [over(name, turns[WINDOW - 1 :: WINDOW], game.recall, within=SHARE)
            for name, game in games.items()]  # fmt: skip
    record.curves("Recall over time", "turns", "recall (%)", *told)
    parts = [
        part("modes covered", torch.stack([one.covered[-1] for one in games.values()]), SHARE),
        part("recall", torch.stack([one.recall[-1] for one in games.values()]), SHARE),
        part("precision", torch.stack([one.precision[-1] for one in games.values()]), SHARE),
    ]
    record.bars("The truth, and what recall and precision say", "share (%)", games, *parts)
    shown = torch.stack([_dots(one) for one in points])
    record.images("Points of the last turn", shown, ["real", *games], columns=2)


def _dots(y: Float[Tensor, "n 2"], side: int = 48) -> Float[Tensor, "h w"]:
    """Where points are, dark on white, from -1.5 to 1.5."""
    inside = y[(y.abs() < 1.5).all(1)]
    at = ((1.5 + inside) / 3 * side).long()
    counts = torch.bincount(at[:, 1] * side + at[:, 0], minlength=side**2)
    return 1 - counts.clamp(max=4).view(side, side) / 4
