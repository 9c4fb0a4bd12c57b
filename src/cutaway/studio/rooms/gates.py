"""Room 1: a unit divides the plane by a line, three compute XOR, and a network learns it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from cutaway.data.generated.gates import GATES
from cutaway.figures import Axis, Bars, Curves, Figure, Part, Plane
from cutaway.figures.build import line
from cutaway.lab.chapters.neurons.gates import IMAGES, INPUTS, table_of
from cutaway.models.mlp import MLP
from cutaway.models.perceptron import Perceptron, XorGates, gate
from cutaway.randomness import reseed_global
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section

LOW, HIGH, GRID = -0.5, 1.5, 72
SHOWS = 24
"""Updates of the figures while a network learns."""
AXES = Axis("first input"), Axis("second input")
WEIGHT: dict[str, Any] = {"low": -3.0, "high": 3.0}


def plane(title: str, scores: Callable[[Tensor], Tensor], t: Tensor, caption: str) -> Plane:
    """What is answered over the plane, by scores of which those above 0 mean 1; and the corners."""
    side = torch.linspace(LOW, HIGH, GRID)
    y, x = torch.meshgrid(side, side, indexing="ij")
    with torch.no_grad():
        s = scores(torch.stack([x, y], -1).view(-1, 2)).float()
    sure = (s.abs() / s.abs().max().clamp(min=1e-9)).clamp(0, 1)
    points = tuple((a, b, int(k)) for (a, b), k in zip(INPUTS.tolist(), t.tolist(), strict=True))
    return Plane(
        title, *AXES, (LOW, LOW), (HIGH, HIGH), GRID, bytes((s >= 0).to(torch.uint8).tolist()),
        bytes((255 * sure).to(torch.uint8).tolist()), ("0", "1"), points, caption,
    )  # fmt: skip


def said(name: str, right: Tensor) -> str:
    count = int(right.sum())
    return f"{count} of the 4 rows of {name.upper()} are right; a dot has the colour of its target."


@dataclass(frozen=True)
class Unit:
    """The settings of a unit."""

    w1: float = setting(1.0, "The weight of the first input.", **WEIGHT)
    w2: float = setting(1.0, "The weight of the second input.", **WEIGHT)
    b: float = setting(-0.5, "The bias: what is added.", **WEIGHT)
    gate: str = setting("or", "The truth table that the corners show.", choices=tuple(GATES))


def unit_of(w1: float, w2: float, b: float) -> Perceptron:
    unit = Perceptron(2)
    unit.load_state_dict({"w": torch.tensor([w1, w2]), "b": torch.tensor([b])})
    return unit


def draw_unit(asked: Unit) -> Figures:
    unit, t = unit_of(asked.w1, asked.w2, asked.b), table_of(asked.gate)
    with torch.no_grad():
        right = unit.fire(INPUTS) == t
        sums = unit.potential(INPUTS).tolist()
    yield [
        plane("What the unit answers", unit.potential, t, said(asked.gate, right)),
        Bars("The sum at each corner", Axis("w1 x1 + w2 x2 + b"), ("00", "01", "10", "11"),
             (Part("sum", tuple(sums)),), "The unit answers 1 where the sum is 0 or more."),
    ]  # fmt: skip


@dataclass(frozen=True)
class Three:
    """The settings of three units."""

    first: str = setting("nand", "The first gate.", choices=("nand", "and", "or", "nor"))
    second: str = setting("or", "The second gate.", choices=("nand", "and", "or", "nor"))
    last: str = setting("and", "The gate that takes both answers.",
                        choices=("nand", "and", "or", "nor"))  # fmt: skip
    gate: str = setting("xor", "The truth table that the corners show.", choices=tuple(GATES))


def draw_three(asked: Three) -> Figures:
    net, t = XorGates(), table_of(asked.gate)
    net.nand, net.or_, net.and_ = gate(asked.first), gate(asked.second), gate(asked.last)

    def answer(x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        return net(x)[:, 1] - 0.5

    with torch.no_grad():
        right = (answer(INPUTS) >= 0).float() == t
    yield [
        plane("All three together", answer, t, said(asked.gate, right)),
        plane(f"First: {asked.first}", net.nand.potential, table_of(asked.first), ""),
        plane(f"Second: {asked.second}", net.or_.potential, table_of(asked.second), ""),
    ]


@dataclass(frozen=True)
class Learned:
    """The settings of a network that learns a gate."""

    gate: str = setting("xor", "What it learns.", choices=tuple(GATES))
    hidden: int = setting(2, "Hidden units.", low=1, high=32)
    activation: str = setting("tanh", "What a hidden unit does with its sum.",
                              choices=("tanh", "sigmoid", "relu"))  # fmt: skip
    rate: float = setting(0.03, "The rate of Adam.", low=1e-3, high=1.0)
    steps: int = setting(400, "Steps, each on all four rows.", low=10, high=2000)
    start: int = setting(1, "The number from which the first weights are drawn.", low=0, high=99)


def draw_learned(asked: Learned) -> Figures:
    reseed_global(asked.start, "rooms", "gates")
    net = MLP(2, [asked.hidden], 2, asked.activation)
    t = table_of(asked.gate).long()
    optimizer = torch.optim.Adam(net.parameters(), asked.rate)
    losses: list[float] = []
    every = max(1, asked.steps // SHOWS)
    for step in range(asked.steps + 1):
        scores = net(IMAGES)
        loss = cross_entropy(scores, t)
        losses.append(loss.item())
        if step % every == 0 or step == asked.steps:
            yield seen(asked, net, t, losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def seen(asked: Learned, net: MLP, t: Tensor, losses: list[float]) -> list[Figure]:
    with torch.no_grad():
        right = net(IMAGES).argmax(1) == t

    def lead(x: Tensor) -> Tensor:
        s = net(x[:, None, None])
        return s[:, 1] - s[:, 0]

    where = f"After {len(losses) - 1} steps: {said(asked.gate, right)}"
    return [
        plane("What the network answers", lead, t, where),
        Curves("Loss", Axis("step", whole=True, low=0, high=asked.steps),
               Axis("log-loss", zero=True), (line("loss", range(len(losses)), losses),),
               ((0.6931, "a toss-up"),), form="flat"),
    ]  # fmt: skip


UNIT = Piece(
    "unit", "One unit",
    "The unit adds up w1 x1 + w2 x2 + b and answers 1 where that is 0 or more. Move the sliders "
    "until all four dots lie on the side of their colour.",
    Unit, draw_unit,
    Question(
        "For which of these tables are there weights with which one unit is right on all four "
        "rows?",
        ("AND and OR, but not XOR.", "All three, with the right weights.", "Only OR."),
        0,
        "The border is a straight line. A line can cut off one corner, or two that are neighbours, "
        "but not two that lie opposite each other.",
    ),
)  # fmt: skip
THREE = Piece(
    "three", "A gate of three units",
    "The first two units see the inputs, the last one sees their two answers. Each has the weights "
    "of a gate that you choose.",
    Three, draw_three,
    Question(
        "XOR is 1 where exactly one input is 1. Which three gates make it?",
        ("AND of (AND, OR)", "OR of (AND, NOR)", "AND of (NAND, OR)"),
        2,
        "OR leaves out 00, NAND leaves out 11; what both allow is a band between two lines.",
    ),
)  # fmt: skip
LEARNED = Piece(
    "learned", "Learning it",
    "A network with one hidden layer learns the table by gradients. Try other starts with 2 hidden "
    "units, then with 16.",
    Learned, draw_learned,
    Question(
        "Two hidden units are enough to compute XOR. Does training with two always find it?",
        ("Yes, given enough steps.", "No: it depends on where the weights begin.",
         "No: it needs three at least."),
        1,
        "Some starts end on a plateau where two rows are right and two are a toss-up. More hidden "
        "units make a good start likely.",
    ),
    live=False,
)  # fmt: skip

ROOM = Room(
    1, "Gates and XOR",
    "One unit draws one line. What needs two lines needs a network.",
    (
        Section(
            "A unit is a line",
            (
                "A threshold unit weighs its inputs, adds a bias and answers 1 if the sum is not "
                "negative. Over two inputs the places with sum 0 form a line, and the unit says on "
                "which side of it a place lies. The weights turn the line, the bias moves it.",
            ),
            UNIT, ("1.1", "1.2"),
        ),
        Section(
            "Several units",
            (
                "Answers of units can be inputs of others. Then the last unit does not see the "
                "plane any more: it sees which side of each line a place is on.",
            ),
            THREE, ("1.3",),
        ),
        Section(
            "Weights that are found",
            (
                "A threshold has no slope, so gradients cannot say how to change the weights "
                "before it. With a smooth activation they can. What is learned then depends on "
                "the loss, on the number of units and on where the weights begin.",
            ),
            LEARNED, ("1.4",),
        ),
    ),
    ("mlp", "xor"),
)  # fmt: skip
