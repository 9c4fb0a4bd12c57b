"""Room 7: a discriminator at its best, and two players on a ring of normal distributions."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.figures import Axis, Curves, Figure, Plane, Series
from cutaway.figures.build import line
from cutaway.lab.chapters.generation.modes import Player, Ring
from cutaway.models.mlp import MLP
from cutaway.randomness import generator, reseed_global
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section

REACH, GRID = 1.8, 56
"""The plane goes so far from the middle; places a side."""
POINTS, DRAWN, SHOWS = 160, 1000, 40
"""Points that are shown of each kind, drawn to be counted, and updates of the figures."""
BATCH, SLOPE = 128, 0.2


@dataclass(frozen=True)
class Best:
    """The settings of two distributions on a line."""

    place: float = setting(1.0, "The middle of what the generator draws; real is at 0.",
                           low=-4.0, high=4.0)  # fmt: skip
    spread: float = setting(1.0, "The deviation of what it draws; that of real is 1.",
                            low=0.2, high=3.0)  # fmt: skip
    steps: int = setting(300, "Steps in which a discriminator learns.", low=1, high=600)


def draw_best(asked: Best) -> Figures:
    reseed_global(0, "rooms", "players")
    g = generator(0, "rooms", "best")
    x = torch.linspace(-6, 6, 121)
    real, drawn = density(x, 0.0, 1.0), density(x, asked.place, asked.spread)
    net = MLP(1, [24], 1, "tanh")
    adam = torch.optim.Adam(net.parameters(), 0.03)
    for _ in range(asked.steps):
        a = torch.randn(BATCH, 1, generator=g)
        b = asked.place + asked.spread * torch.randn(BATCH, 1, generator=g)
        loss = F.softplus(-net(_images(a))).mean() + F.softplus(net(_images(b))).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        learned = net(_images(x[:, None])).sigmoid()[:, 0]
    value = Axis("value x")
    yield [
        Curves("What is real, and what is drawn", value, Axis("density", zero=True),
               (line("real p(x)", x, real), line("drawn q(x)", x, drawn)), form="flat"),
        Curves("What the discriminator says", value,
               Axis("probability of real", low=0.0, high=1.0),
               (line("p / (p + q)", x, real / (real + drawn)), line("learned", x, learned)),
               ((0.5, "1/2"),)),
    ]  # fmt: skip


def _images(x: Float[Tensor, "n 1"]) -> Float[Tensor, "n 1 1 1"]:
    return x[:, :, None, None]


def density(x: Tensor, place: float, spread: float) -> Tensor:
    return torch.exp(-(((x - place) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))


@dataclass(frozen=True)
class Game:
    """The settings of a game."""

    modes: int = setting(8, "Normal distributions on the ring.", low=1, high=12)
    sigma: float = setting(0.1, "Their deviation.", low=0.02, high=0.3)
    width: int = setting(64, "Units of each of the two layers of both players.", low=8, high=128)
    rate: float = setting(0.001, "The rate of Adam, for both.", low=1e-4, high=0.02)
    momentum: float = setting(0.9, "The momentum of Adam.", low=0.0, high=0.95)
    lead: int = setting(1, "Steps of the discriminator for each of the generator.", low=1, high=3)
    turns: int = setting(2000, "Turns, each of one step of the generator.", low=50, high=3000)
    start: int = setting(0, "The number from which all chance is drawn.", low=0, high=99)


class Match:
    """Two players: D learns to tell real points from drawn ones, G to be taken for real.

    Attributes:
        losses: of the discriminator and of the generator, turn by turn.
    """

    def __init__(self, asked: Game):
        self.asked, self.ring = asked, Ring(asked.modes, asked.sigma)
        self.g = generator(asked.start, "rooms", "match")
        width = asked.width
        self.G = Player(1, [2, width, width, 2], 0.0, self.g)
        self.D = Player(1, [2, width, width, 1], SLOPE, self.g)
        beta = (asked.momentum, 0.999)
        self.of_G = torch.optim.Adam(self.G.parameters(), asked.rate, beta)
        self.of_D = torch.optim.Adam(self.D.parameters(), asked.rate, beta)
        self.losses: list[tuple[float, float]] = []

    def real(self, n: int) -> Float[Tensor, "1 n 2"]:
        return self.ring.draw(1, n, g=self.g)

    def drawn(self, n: int) -> Float[Tensor, "1 n 2"]:
        return self.G(torch.randn(1, n, 2, generator=self.g))

    def turn(self) -> None:
        for _ in range(self.asked.lead):
            with torch.no_grad():
                fake = self.drawn(BATCH)
            judged = F.softplus(-self.D(self.real(BATCH))).mean() + F.softplus(self.D(fake)).mean()
            _step(self.of_D, judged)
        fooled = F.softplus(-self.D(self.drawn(BATCH))).mean()
        _step(self.of_G, fooled)
        self.losses.append((judged.item(), fooled.item()))


def _step(adam: torch.optim.Optimizer, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()


def draw_match(asked: Game) -> Figures:
    match = Match(asked)
    every = max(1, asked.turns // SHOWS)
    yield seen(match)
    for turn in range(1, asked.turns + 1):
        match.turn()
        if turn % every == 0 or turn == asked.turns:
            yield seen(match)


@torch.no_grad()
def seen(match: Match) -> list[Figure]:
    real, drawn = match.real(POINTS)[0], match.drawn(DRAWN)
    covered, good = match.ring.covered(drawn)[0], match.ring.good(drawn)[0]
    modes = round(float(covered) * match.asked.modes / 100)
    told = (
        f"After {len(match.losses)} turns: {modes} of {match.asked.modes} are covered, and "
        f"{float(good):.0f} % of what is drawn lies near one of them. The ground shows what the "
        "discriminator takes a place for."
    )
    points = [
        (x, y, k) for k, some in enumerate((real, drawn[0, :POINTS])) for x, y in some.tolist()
    ]
    inside = [(x, y, k) for x, y, k in points if max(abs(x), abs(y)) <= REACH]
    n = len(match.losses)
    turn = Axis("turn", whole=True, low=0, high=match.asked.turns)
    return [
        ground(match.D, tuple(inside), told),
        Curves("Both losses", turn, Axis("loss", low=0.0, high=3.0), tuple(losses_of(match)),
               ((2 * math.log(2), "D says 1/2 of everything"), (math.log(2), "")),
               form="usual" if n else "flat"),
    ]  # fmt: skip


def losses_of(match: Match, most: int = 200) -> Iterator[Series]:
    """Means of neighbouring turns: at most so many."""
    if not match.losses:
        return
    losses = torch.tensor(match.losses)
    parts = losses.split(max(1, -(-len(losses) // most)))
    ends = torch.tensor([len(one) for one in parts]).cumsum(0)
    means = torch.stack([one.mean(0) for one in parts])
    for i, name in enumerate(("discriminator", "generator")):
        yield line(name, ends, means[:, i])


def ground(D: Player, points: tuple[tuple[float, float, int], ...], caption: str) -> Plane:
    side = torch.linspace(-REACH, REACH, GRID)
    y, x = torch.meshgrid(side, side, indexing="ij")
    p = D(torch.stack([x, y], -1).view(1, -1, 2)).sigmoid().flatten()
    return Plane(
        "Real and drawn", Axis("first coordinate"), Axis("second coordinate"), (-REACH, -REACH),
        (REACH, REACH), GRID, bytes((p < 0.5).to(torch.uint8).tolist()),
        bytes((255 * (2 * p - 1).abs()).to(torch.uint8).tolist()), ("real", "drawn"), points,
        caption,
    )  # fmt: skip


BEST = Piece(
    "best", "A discriminator at its best",
    "Real values are normal around 0; the generator draws others. A discriminator learns to tell "
    "them apart. Move what is drawn onto what is real.",
    Best, draw_best,
    Question(
        "When what is drawn is distributed exactly as what is real, what does the best "
        "discriminator say?",
        ("Drawn, of everything.", "1/2, of everything.", "Real, of everything."),
        1,
        "The best it can say at x is p(x) / (p(x) + q(x)). Where p and q are equal that is 1/2: "
        "there is nothing left to see.",
    ),
)  # fmt: skip
MATCH = Piece(
    "match", "Two players on a ring",
    "The generator turns noise into points; the discriminator sees real points and drawn ones. "
    "Watch the orange points look for the blue ones.",
    Game, draw_match,
    Question(
        "Each player lowers its own loss. Do both losses fall until they are 0?",
        ("Yes, both.", "The generator's does, the discriminator's does not.",
         "No: what one gains the other loses, and they settle near a value or swing about it."),
        2,
        "It is a game, and no descent. The closer the drawn points come, the less the "
        "discriminator can do: its loss rises towards 2 ln 2 = 1.39.",
    ),
    live=False,
)  # fmt: skip

ROOM = Room(
    7, "Two players",
    "A generator and a discriminator learn from each other, live, where one can see both.",
    (
        Section(
            "One who judges",
            (
                "A generative adversarial network has two players. The discriminator is shown real "
                "examples and drawn ones, and learns to say which is which. If the generator stood "
                "still, this would be ordinary classification.",
            ),
            BEST, ("7.4", "7.5"),
        ),
        Section(
            "And one who draws",
            (
                "The generator never sees a real example. All that it learns comes through the "
                "discriminator's gradient: in which direction its points would look more real.",
                "It need not find everything: a generator that draws one of the eight well may "
                "fool the discriminator for a while. This is called mode collapse.",
            ),
            MATCH, ("7.18", "7.6"),
        ),
    ),
    ("dcgan", "mnist"),
)  # fmt: skip
