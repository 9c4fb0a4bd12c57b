"""The threshold unit, and gates composed of it."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from cutaway.errors import UsageError, nearest
from cutaway.models.registry import Size, register

# w1, w2, b of the units that `gate` gives.
GATES = {"and": (1, 1, -1.5), "or": (1, 1, -0.5), "nand": (-1, -1, 1.5), "nor": (-1, -1, 0.5)}


class Perceptron(nn.Module):
    """y = step(w.x + b): 1 where the weighted sum reaches the threshold -b, else 0.

    The step has no slope for a gradient to follow; a wrong answer moves the weights by the rule
    w <- w + rho (t - y) x, b <- b + rho (t - y).

    Source: Rosenblatt 1958; study notes, 'Perceptron'.
    """

    def __init__(self, n_in: int):
        super().__init__()
        self.w = nn.Parameter(0.1 * torch.randn(n_in))
        self.b = nn.Parameter(0.1 * torch.randn(1))

    def potential(self, x: Float[Tensor, "b *n"]) -> Float[Tensor, " b"]:
        """w.x + b."""
        return x.flatten(1) @ self.w + self.b

    def fire(self, x: Float[Tensor, "b *n"]) -> Float[Tensor, " b"]:
        """y, 0 or 1."""
        return (self.potential(x) >= 0).to(x.dtype)

    def forward(self, x: Float[Tensor, "b *n"]) -> Float[Tensor, "b 2"]:
        """Probabilities of the classes 0 and 1: 1 - y and y."""
        y = self.fire(x)
        return torch.stack([1 - y, y], 1)

    def lessons(self, x: Float[Tensor, "b *n"], t: Num[Tensor, " b"]) -> tuple["Lesson", ...]:
        """The batch itself."""
        return (Lesson("perceptron", self, x.flatten(1), t.to(x.dtype)),)


class Lesson(NamedTuple):
    """The targets of one unit: `t` (0 or 1) on the inputs `x`."""

    name: str
    unit: Perceptron
    x: Float[Tensor, "b n"]
    t: Float[Tensor, " b"]


class XorGates(nn.Module):
    """XOR(x) = AND(NAND(x), OR(x)): three units do what no single one can.

    Source: study notes, 'Logic gates'.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nand, self.or_, self.and_ = Perceptron(2), Perceptron(2), Perceptron(2)

    def forward(self, x: Float[Tensor, "b *n"]) -> Float[Tensor, "b 2"]:
        """Probabilities of the classes 0 and 1."""
        return self.and_(torch.stack([self.nand.fire(x), self.or_.fire(x)], 1))

    def lessons(self, x: Float[Tensor, "b *n"], t: Num[Tensor, " b"]) -> tuple[Lesson, ...]:
        """Each unit's own truth table; `t`, the table of XOR, teaches none of them."""
        x = x.flatten(1)
        pairs = x.new_tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
        return (
            Lesson("nand", self.nand, x, 1 - all_on(x)),
            Lesson("or", self.or_, x, (x >= 0.5).any(1).to(x.dtype)),
            Lesson("and", self.and_, pairs, all_on(pairs)),
        )


def all_on(x: Float[Tensor, "b 2"]) -> Float[Tensor, " b"]:
    """1 where both inputs are on, half the range or more."""
    return (x >= 0.5).all(1).to(x.dtype)


def gate(name: str) -> Perceptron:
    """A unit with given weights, exact on inputs of 0 and 1.

        gate    w1   w2   b      00  01  10  11
        and      1    1  -1.5     0   0   0   1
        or       1    1  -0.5     0   1   1   1
        nand    -1   -1   1.5     1   1   1   0
        nor     -1   -1   0.5     1   0   0   0

    Raises:
        UsageError: a name that is not in the table.
    """
    if name not in GATES:
        raise UsageError(f"There is no gate '{name}'.{nearest(name, GATES)}")
    *w, b = GATES[name]
    unit = Perceptron(2)
    unit.load_state_dict({"w": torch.tensor(w), "b": torch.tensor([b])})
    return unit


def _check_classes(name: str, classes: int) -> None:
    if classes != 2:
        raise UsageError(f"{name} answers 0 or 1, so it takes data of 2 classes, not {classes}.")


@register(
    "perceptron",
    title="one threshold unit",
    source="Rosenblatt 1958; study notes",
    data="and",
    example=(1, 2, (2,)),
    parameters=3,
    rank=0,
    task="threshold",
    head="",
)
def perceptron(channels: int, classes: int, size: Size) -> Perceptron:
    """As many weights as an example has numbers, and a bias."""
    _check_classes("perceptron", classes)
    return Perceptron(channels * math.prod(size))


@register(
    "gates",
    title="XOR of three threshold units: NAND, OR, AND",
    source="study notes, logic gates",
    data="xor",
    example=(1, 2, (2,)),
    parameters=9,
    rank=0,
    task="threshold",
    head="and_",
)
def gates(channels: int, classes: int, size: Size) -> XorGates:
    """Two inputs, three units."""
    _check_classes("gates", classes)
    if (inputs := channels * math.prod(size)) != 2:
        raise UsageError(f"gates takes examples of 2 numbers, such as --data xor, not {inputs}.")
    return XorGates()
