"""A graph as plain data: boxes with their value and gradient, and what passes between them."""

from dataclasses import dataclass

from cutaway.figures.serialization import Plain


@dataclass(frozen=True)
class Box(Plain):
    """A node.

    Attributes:
        formula: how it is computed; its kind where it is given.
        row, column: its place; row 0 is at the top.
        columns: how many nodes its row has.
    """

    name: str
    formula: str
    value: float
    gradient: float
    row: int
    column: int
    columns: int


@dataclass(frozen=True)
class Arrow(Plain):
    """From a node to one that is computed from it; `share` is the gradient that comes back."""

    start: str
    end: str
    share: float


@dataclass(frozen=True)
class Diagram(Plain):
    """The nodes of a graph and what goes both ways between them."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    caption: str = ""
    summary: str = ""
