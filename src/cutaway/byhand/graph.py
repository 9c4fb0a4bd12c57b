"""A network as a directed acyclic graph, differentiated by hand.

Forward: each node's value from those below it. Backward: from the output down, each node takes the
gradient that has arrived, and sends its share along every edge; where paths meet, the shares are
added. So each node is differentiated once, however many paths lead through it: the reuse that
makes backpropagation cost about as much as going forward (`byhand.paths` counts what it saves).

Source: MIT 6.034, lecture on deep nets, the reuse principle; notes on statistics, week 4, p. 23-29.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.node import Node
from cutaway.byhand.operation import Operation
from cutaway.errors import UsageError, nearest


class Graph:
    """Nodes in topological order: each comes after those that it is computed from.

    Attributes:
        outputs: the nodes that the last operations give; the first is the one that is minimised.
        given: values of parameters and constants; parameters are the caller's own tensors.
        values: every node's value, after (or while) going forward.
        gradients: dJ/dvalue of every node that one has reached.
        dtype: floating-point type of all values.
    """

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self.nodes: dict[str, Node] = {}
        self.outputs: tuple[str, ...] = ()
        self.given: dict[str, Tensor] = {}
        self.values: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.dtype = dtype

    def input(self, name: str) -> str:
        """Add a value that is given anew each time."""
        self._enter(Node(name, kind="input"))
        return name

    def parameter(self, name: str, value: Tensor) -> str:
        """Add a parameter. The tensor is not copied."""
        self._enter(Node(name, kind="parameter"))
        self.given[name] = value.detach()
        return name

    def constant(self, name: str, value: Tensor) -> str:
        """Add a constant."""
        self._enter(Node(name, kind="constant"))
        self.given[name] = self._cast(value.detach())
        return name

    def add(self, name: str, operation: Operation, *inputs: str | None, **more: Any) -> str:
        """Add a node that an operation computes from others. The last one added is the output."""
        for other in inputs:
            if other is not None and other not in self.nodes:
                raise UsageError(f"There is no node '{other}'.{nearest(other, self.nodes)}")
        self._enter(Node(name, operation, inputs, **more))
        self.outputs = (name,)
        return name

    def _enter(self, node: Node) -> None:
        if node.name in self.nodes:
            raise UsageError(f"There is a node '{node.name}' already: give another name.")
        self.nodes[node.name] = node

    def to(self, dtype: torch.dtype) -> "Graph":
        """The same graph over copies of its tensors, in another precision."""
        other = Graph(dtype)
        other.nodes, other.outputs = dict(self.nodes), self.outputs
        other.given = {k: other._cast(value, copy=True) for k, value in self.given.items()}
        return other

    def _cast(self, value: Tensor, copy: bool = False) -> Tensor:
        return value.to(self.dtype if value.is_floating_point() else value.dtype, copy=copy)

    # Reading

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters, by name."""
        return {name: self.given[name] for name in self._kind("parameter")}

    @property
    def inputs(self) -> list[str]:
        """Names of the nodes that are given anew each time."""
        return self._kind("input")

    @property
    def operations(self) -> list[Node]:
        """The nodes that are computed, in order."""
        return [node for node in self.nodes.values() if node.operation]

    def _kind(self, kind: str) -> list[str]:
        return [name for name, node in self.nodes.items() if node.kind == kind]

    def arguments(self, node: Node) -> list[Tensor | None]:
        """The values of a node's inputs."""
        return [None if name is None else self.values[name] for name in node.inputs]

    def live(self, inputs: bool = False) -> set[str]:
        """The nodes that depend on a parameter (or on an input, if requested): gradients go
        there."""
        kinds = ("parameter", "input") if inputs else ("parameter",)
        names: set[str] = set()
        for name, node in self.nodes.items():
            source = node.kind in kinds and self._real(name)
            passes = node.operation is not None and node.operation.differentiable
            if source or (passes and not names.isdisjoint(node.inputs)):
                names.add(name)
        return names

    def _real(self, name: str) -> bool:
        """Whether a given value consists of real numbers, as far as is known."""
        value = self.values.get(name, self.given.get(name))
        return value is None or value.is_floating_point()

    # Going forward

    def begin(self, *inputs: Tensor) -> None:
        """Take the inputs, in the order in which they were added; forget earlier values."""
        if len(inputs) != len(self.inputs):
            raise UsageError(
                f"The graph takes {len(self.inputs)} inputs ({', '.join(self.inputs)}), and "
                f"{len(inputs)} were given."
            )
        values = {k: self._cast(x.detach()) for k, x in zip(self.inputs, inputs, strict=True)}
        self.values, self.gradients = self.given | values, {}

    def compute(self, node: Node) -> Tensor:
        """Compute one node's value from its inputs."""
        assert node.operation
        x = self.arguments(node)
        try:
            y = self._cast(node.operation.forward(*x))
        except (RuntimeError, IndexError, TypeError) as error:
            shapes = ", ".join(str(tuple(v.shape)) for v in x if v is not None)
            raise UsageError(
                f"The node '{node.name}' ({node.title}) cannot be computed from values of the "
                f"shapes {shapes}: {str(error).splitlines()[0]}"
            ) from error
        self.values[node.name] = y
        return y

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute every node; returns the value of the first output."""
        self.begin(*inputs)
        if not self.outputs:
            raise UsageError("The graph has no operation yet: give it one with `add`.")
        for node in self.operations:
            self.compute(node)
        return self.values[self.outputs[0]]

    # Going backward

    def seed(self, g: Tensor | None = None) -> None:
        """Start the backward pass at the first output with dJ/doutput; by default 1, the output
        being J."""
        J = self.values[self.outputs[0]]
        if g is None and J.numel() != 1:
            raise UsageError(
                f"The output '{self.outputs[0]}' has the shape {tuple(J.shape)}, so it is not a "
                "single number J to differentiate: add a loss, or give the gradient from above."
            )
        self.gradients = {self.outputs[0]: torch.ones_like(J) if g is None else g}

    def shares(self, node: Node, g: Tensor, live: set[str]) -> Iterator[tuple[str, Tensor]]:
        """The gradients that a node passes along its edges, given its own gradient g."""
        assert node.operation
        sent = node.operation.backward(g, self.values[node.name], *self.arguments(node))
        for name, share in zip(node.inputs, sent, strict=False):
            if name in live and share is not None:
                assert name
                yield name, share() if callable(share) else share

    def push(self, node: Node, live: set[str]) -> list[tuple[str, Tensor]]:
        """Pass a node's gradient along its edges, and add it up where it arrives."""
        sent = list(self.shares(node, self.gradients[node.name], live))
        for name, share in sent:
            known = self.gradients.get(name)
            self.gradients[name] = share if known is None else known + share
        return sent

    def backward(self, g: Tensor | None = None, inputs: bool = False) -> dict[str, Tensor]:
        """Compute every node's gradient, in reverse order; returns those of the parameters.

        A parameter that has no say in the output has no gradient. With `inputs` the graph's
        inputs get theirs as well, in `gradients`.
        """
        self.seed(g)
        live = self.live(inputs)
        for node in reversed(self.operations):
            if node.name in self.gradients and node.name in live:
                self.push(node, live)
        return {name: self.gradients[name] for name in self.parameters if name in self.gradients}
