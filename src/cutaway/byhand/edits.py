"""Values and gradients set by hand, and the same for autograd."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.graph import Graph
from cutaway.byhand.node import Node
from cutaway.errors import UsageError

Change = tuple[Tensor | float, Any]
"""A new value, and the index where it goes; () is everywhere."""


def with_changes(name: str, x: Tensor, changes: Iterable[Change]) -> Tensor:
    """A copy of a node's tensor with changes.

    Raises:
        UsageError: no such place, another shape, or a fraction among whole numbers.
    """
    x = x.clone()
    for value, at in changes:
        try:
            shape = x[at].shape
        except IndexError:
            raise UsageError(
                f"'{name}' has the shape {tuple(x.shape)}: there is no such part in it."
            ) from None
        if isinstance(value, Tensor) and value.shape != shape:
            raise UsageError(
                f"This part of '{name}' has the shape {tuple(shape)}, and the new value "
                f"{tuple(value.shape)}: give one of the same shape."
            )
        if not isinstance(value, Tensor) and not x.is_floating_point() and value % 1 != 0:
            raise UsageError(f"'{name}' holds whole numbers, and {value:g} is not one.")
        x[at] = value
    return x


def for_autograd(graph: Graph, values: Collection[str], gradients: Mapping[str, Tensor]) -> Graph:
    """The graph for autograd: some nodes have the graph's value whatever they are computed from,
    though their gradients go down as before; some have a given gradient.
    """
    other = Graph(graph.dtype)
    other.outputs, other.values, other.nodes = graph.outputs, graph.values, dict(graph.nodes)
    for name in {*values, *gradients}:
        node = graph.nodes[name]
        if node.operation:
            reference = _reference(node, graph.values[name], gradients.get(name))
            other.nodes[name] = replace(node, reference=reference)
    return other


def _reference(node: Node, value: Tensor, gradient: Tensor | None) -> Any:
    assert node.operation
    computed = node.reference or node.operation.forward

    def reference(*x: Any) -> Tensor:
        y: Any = computed(*x)
        replaced: Tensor = _Replace.apply(y[0] if isinstance(y, tuple) else y, value, gradient)
        return replaced

    return reference


class _Replace(torch.autograd.Function):
    """Replace a value by another; the gradient that arrives goes to the first, or a given one
    does."""

    @staticmethod
    def forward(context: Any, y: Tensor, value: Tensor, gradient: Tensor | None) -> Tensor:
        context.gradient = gradient
        return value.clone()

    @staticmethod
    def backward(context: Any, *g: Tensor) -> tuple[Tensor | None, ...]:
        return g[0] if context.gradient is None else context.gradient, None, None
