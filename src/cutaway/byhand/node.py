"""One value of a graph."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cutaway.byhand.operation import Operation


@dataclass(frozen=True)
class Node:
    """One value of the graph: an input, a parameter, a constant, or the result of an operation.

    Attributes:
        operation: None for what is given.
        inputs: the nodes that it is computed from; None where an operation's input is left out.
        kind: `input`, `parameter`, `constant` or `operation`.
        place: the module that it comes from; empty where it comes from none.
        reference: the same value by PyTorch, which autograd can differentiate.
    """

    name: str
    operation: Operation | None = None
    inputs: tuple[str | None, ...] = ()
    kind: str = "operation"
    place: str = ""
    reference: Callable[..., Tensor] | None = None

    @property
    def title(self) -> str:
        """Its kind, in a word."""
        return type(self.operation).__name__ if self.operation else self.kind
