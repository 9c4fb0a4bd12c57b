"""The cost of differentiating a graph: with reuse, and path by path.

The derivative of J by a node is a sum over all paths from the node to J. Written out, each path is
a product of its own. Backpropagation never writes them out: where paths share their upper part,
that part has been computed once, at the node where they part.

Source: MIT 6.034, lecture on deep nets, the reuse principle; claim M12 of the course.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.byhand.graph import Graph
from cutaway.byhand.node import Node
from cutaway.errors import UsageError


@dataclass(frozen=True)
class Cost:
    """The cost of one node.

    Attributes:
        forward, backward: floating-point operations; a gradient along an edge is counted as much
            as the value itself, which is exact for sums of products.
        bytes: of the node's value.
        paths: ways from the node to the output along which gradients go; how often the node is
            differentiated without reuse. With reuse it is once.
    """

    forward: int
    backward: int
    bytes: int
    paths: int


def costs(graph: Graph) -> dict[str, Cost]:
    """Each node's cost, after a forward pass."""
    if not graph.values.keys() >= graph.nodes.keys():
        raise UsageError("Nothing has been computed yet: call graph.forward(...) first.")
    live, path_counts = graph.live(), paths(graph)
    return {node.name: _cost(graph, node, live, path_counts) for node in graph.nodes.values()}


def _cost(graph: Graph, node: Node, live: set[str], path_counts: dict[str, int]) -> Cost:
    value = graph.values[node.name]
    flops = node.operation.flops(value, *graph.arguments(node)) if node.operation else 0
    edges = sum(name in live for name in node.inputs) if node.name in live else 0
    return Cost(flops, edges * flops, value.nbytes, path_counts.get(node.name, 0))


def paths(graph: Graph) -> dict[str, int]:
    """The number of paths from each node to the output."""
    live = graph.live()
    counts = dict.fromkeys(graph.nodes, 0)
    counts[graph.outputs[0]] = 1
    for node in reversed(graph.operations):
        for name in node.inputs:
            if name in live and node.name in live:
                counts[name] += counts[node.name]
    return counts


def total(node_costs: dict[str, Cost], reuse: bool = True) -> int:
    """Floating-point operations of one backward pass."""
    return sum(c.backward * (1 if reuse else c.paths) for c in node_costs.values())


def path_by_path(graph: Graph, max_steps: int = 100_000) -> tuple[dict[str, Tensor], int]:
    """The gradients of the parameters without reuse, each path computed on its own.

    Returns:
        The gradients, and how often a node was differentiated.

    Raises:
        UsageError: more than `max_steps` steps would be needed.
    """
    path_counts = paths(graph)
    steps = sum(path_counts[node.name] for node in graph.operations)
    if steps > max_steps:
        raise UsageError(
            f"Path by path this graph needs {steps:,} steps for one gradient, more than "
            f"{max_steps:,}: count them with byhand.paths(graph), or take a smaller network."
        )
    graph.seed()
    live, gradients = graph.live(), dict[str, Tensor]()
    pending, steps_taken = list(graph.gradients.items()), 0
    while pending:
        name, g = pending.pop()
        node = graph.nodes[name]
        if node.operation is None:
            gradients[name] = g + gradients.get(name, torch.zeros_like(g))
        elif name in live:
            steps_taken += 1
            pending.extend(graph.shares(node, g, live))
    return gradients, steps_taken
