"""The same gradients by other means: PyTorch's autograd, and central differences."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.graph import Graph


@dataclass(frozen=True)
class Witness:
    """Values and gradients of the nodes of a graph, by PyTorch alone."""

    values: dict[str, Tensor]
    gradients: dict[str, Tensor]


def autograd(graph: Graph, g: Tensor | None = None) -> Witness:
    """The graph's last forward pass by PyTorch's own operations, differentiated by autograd.

    What was drawn by chance, and what no gradient goes through, is taken from the graph.

    Args:
        g: dJ/doutput, by default 1.
    """
    live = graph.live(inputs=True)
    values: dict[str, Tensor] = {}
    with torch.enable_grad():
        for name, node in graph.nodes.items():
            if node.operation is None or not node.operation.differentiable:
                value = graph.values[name].detach().clone()
                values[name] = value.requires_grad_(name in live and value.is_floating_point())
                continue
            x = [None if i is None else values[i] for i in node.inputs]
            y = (node.reference or node.operation.forward)(*x)
            values[name] = y[0] if isinstance(y, tuple) else y
        differentiable = {n: v for n, v in values.items() if v.requires_grad}
        derivatives = torch.autograd.grad(
            values[graph.outputs[0]], list(differentiable.values()), g, allow_unused=True
        )
    gradients = {n: d for n, d in zip(differentiable, derivatives, strict=True) if d is not None}
    return Witness({n: v.detach() for n, v in values.items()}, gradients)


def relative_difference(
    a: Tensor, b: Tensor, size: Callable[[Tensor], float], floor: float
) -> float:
    """The size of a - b as a share of the larger of the two, taken to be `floor` at least."""
    return size(a - b) / max(size(a), size(b), floor, 1e-300)


def replay(graph: Graph, name: str, value: Tensor) -> Tensor:
    """J if a node had another value: what depends on it is computed again beside the graph's own.

    What was drawn by chance, and what no gradient goes through, stays; running statistics move.
    """
    values = {name: value}
    for node in graph.operations:
        assert node.operation
        if values.keys().isdisjoint(node.inputs) or not node.operation.differentiable:
            continue
        x = [None if i is None else values.get(i, graph.values[i]) for i in node.inputs]
        values[node.name] = node.operation.forward(*x)
    return values.get(graph.outputs[0], graph.values[graph.outputs[0]])


def difference(graph: Graph, name: str, along: Tensor, step: float = 1e-5) -> float:
    """The slope of J as one node's value moves along a direction, by a central difference."""
    here = graph.values[name]
    there, back = (replay(graph, name, here + s * along) for s in (step, -step))
    return (there - back).item() / (2 * step)
