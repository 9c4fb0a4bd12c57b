"""What differentiating a graph costs: with reuse, and path by path.

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
    """What one node costs.

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
    live, ways = graph.live(), paths(graph)
    return {node.name: _cost(graph, node, live, ways) for node in graph.nodes.values()}


def _cost(graph: Graph, node: Node, live: set[str], ways: dict[str, int]) -> Cost:
    value = graph.values[node.name]
    flops = node.operation.flops(value, *graph.arguments(node)) if node.operation else 0
    edges = sum(name in live for name in node.inputs) if node.name in live else 0
    return Cost(flops, edges * flops, value.nbytes, ways.get(node.name, 0))


def paths(graph: Graph) -> dict[str, int]:
    """From how many sides a gradient reaches each node without reuse: paths to the output."""
    live = graph.live()
    found = dict.fromkeys(graph.nodes, 0)
    found[graph.outputs[0]] = 1
    for node in reversed(graph.operations):
        for name in node.inputs:
            if name in live and node.name in live:
                found[name] += found[node.name]
    return found


def total(found: dict[str, Cost], reuse: bool = True) -> int:
    """Floating-point operations of going backward once."""
    return sum(c.backward * (1 if reuse else c.paths) for c in found.values())


def path_by_path(graph: Graph, most: int = 100_000) -> tuple[dict[str, Tensor], int]:
    """The gradients of the parameters with reuse turned off, each path walked on its own.

    Returns:
        The gradients, and how often a node was differentiated.

    Raises:
        UsageError: more than `most` steps would be needed.
    """
    ways = paths(graph)
    steps = sum(ways[node.name] for node in graph.operations)
    if steps > most:
        raise UsageError(
            f"Path by path this graph needs {steps:,} steps for one gradient, more than {most:,}: "
            "count them with byhand.paths(graph), or take a smaller network."
        )
    graph.seed()
    live, found = graph.live(), dict[str, Tensor]()
    waiting, taken = list(graph.gradients.items()), 0
    while waiting:
        name, g = waiting.pop()
        node = graph.nodes[name]
        if node.operation is None:
            found[name] = g + found.get(name, torch.zeros_like(g))
        elif name in live:
            taken += 1
            waiting.extend(graph.shares(node, g, live))
    return found, taken
