"""Data classes of a graph."""

from collections.abc import Iterable
from dataclasses import dataclass

from cutaway.see.graph.levels import Level

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """The cost of operations.

    Attributes:
        flops: floating-point operations of convolutions and matrix products, where a multiplication
            with its addition is two; all else (activations, normalisation, pooling) counts none, as
            in published figures.
        read, written: bytes of the tensors that went in and came out, each once; what is only
            another view of the same memory has none.
        ms: milliseconds inside the operations, without Python between them.
    """

    flops: int = 0
    read: int = 0
    written: int = 0
    ms: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.flops + other.flops,
            self.read + other.read,
            self.written + other.written,
            self.ms + other.ms,
        )


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of costs."""
    return sum(costs, Cost())


@dataclass(frozen=True)
class Operation:
    """One call of an ATen operation, or one node of the autograd graph.

    Attributes:
        name: `convolution`; `ConvolutionBackward0`. A module that passes its input on without any
            operation has one called `identity`.
        call: the innermost module call that made it, its number in `Graph.calls`.
        inputs, outputs: shapes of tensors; of gradients in the backward pass.
        sources: numbers of the operations of the same pass whose results it takes; -1 is what goes
            into the network: its input, or the gradient by its outputs.
        forward: of a node of the autograd graph, the number of the operation that it belongs to.
    """

    name: str
    call: int
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    cost: Cost
    sources: tuple[int, ...]
    forward: int | None = None


@dataclass(frozen=True)
class Call:
    """One call of a module; of a module that is used twice there are two.

    Attributes:
        name: the module's; where it is called again, `relu (2)`.
        parent: the call inside which it is made, its number in `Graph.calls`; None for the whole.
        parameters: of the module and all in it; each counts in the first call that has it, so that
            those of the whole network are its own, and a second call has none.
        forward, backward: of all operations in it, those of the calls in it too.
    """

    name: str
    type: str
    parent: int | None
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int
    forward: Cost
    backward: Cost


@dataclass(frozen=True)
class Pass:
    """The forward or the backward pass.

    Attributes:
        operations: in the order in which they ran.
        results: the operations that made the network's outputs; none of the backward pass, whose
            results are the parameters' gradients.
        levels: of each call, what happens in it and how data flows between that.
    """

    operations: tuple[Operation, ...]
    results: tuple[int, ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Graph:
    """A network on a batch.

    Attributes:
        calls: in the order in which they began; the first is the whole network.
        backward: of the sum of the outputs, to the parameters that learn; empty where none do.
        note: why there is no backward pass; empty where there is one.
    """

    calls: tuple[Call, ...]
    forward: Pass
    backward: Pass
    note: str = ""
