"""Record the operations of one backward pass."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.see.graph.cost import Mode, run_measured, shapes
from cutaway.see.graph.forward import Forward
from cutaway.see.graph.levels import IN
from cutaway.see.graph.parts import Cost, Operation, Shape

LEAF = "AccumulateGrad"
"""The node where a gradient leaves the graph into `.grad`, which is not written here."""


class Backward(Mode):
    """Dispatch mode that records the operations of each node of the autograd graph.

    A node's hooks say when it begins; all that runs before the next one begins is its own, so
    also the sum of the gradients that meet where a tensor was used more than once.
    """

    def __init__(self, outputs: Sequence[Tensor]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[Any] = []
        self.inputs: list[tuple[Shape, ...]] = []
        self.outputs: list[tuple[Shape, ...]] = []
        self.costs: list[Cost] = []
        self._nodes = reachable([y.grad_fn for y in outputs])

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output, cost = run_measured(func, args, kwargs or {})
        if self.costs:
            self.costs[-1] += cost
        return output

    def run(self, outputs: Sequence[Tensor], parameters: Sequence[nn.Parameter]) -> None:
        """Compute the gradient of the sum of the outputs, without storing it."""
        slopes = [torch.ones_like(y) for y in outputs]
        handles = [handle for node in self._nodes for handle in self._hooks(node)]
        try:
            with self:
                torch.autograd.grad(outputs, parameters, slopes, allow_unused=True)
        finally:
            for handle in handles:
                handle.remove()

    def _hooks(self, node: Any) -> list[Any]:
        def begin(gradients: Any) -> None:
            self.nodes.append(node)
            self.inputs.append(shapes(gradients))
            self.outputs.append(())
            self.costs.append(Cost())

        def end(outputs: Any, inputs: Any) -> None:
            self.outputs[-1] = shapes(outputs)

        return [node.register_prehook(begin), node.register_hook(end)]

    def operations(self, forward: Forward) -> tuple[Operation, ...]:
        """The nodes that ran, linked to the operations that made them."""
        numbers = {node: i for i, node in enumerate(self.nodes)}
        sources: list[list[int]] = [[] for _ in self.nodes]
        for node, i in numbers.items():
            for later, _ in node.next_functions:
                if later in numbers:
                    sources[numbers[later]].append(i)
        makers = [_maker(node, forward.births) for node in self.nodes]
        rows = zip(self.nodes, makers, self.inputs, self.outputs, self.costs, sources, strict=True)
        return tuple(
            Operation(
                node.name(),
                forward.operations[of].call,
                inputs,
                outputs,
                cost,
                tuple(sorted(set(before))) or (IN,),
                of,
            )
            for node, of, inputs, outputs, cost, before in rows
        )


def _maker(node: Any, births: Sequence[int]) -> int:
    """The first operation that ran when the node was there: nodes are numbered as they come."""
    return min(bisect_right(births, node._sequence_nr()), len(births) - 1)


def reachable(starts: Sequence[Any]) -> list[Any]:
    """The nodes of the autograd graph behind some nodes, without its leaves."""
    nodes: dict[Any, None] = {}
    waiting = [node for node in starts if node is not None]
    while waiting:
        node = waiting.pop()
        if node in nodes or LEAF in node.name():
            continue
        nodes[node] = None
        waiting += [later for later, _ in node.next_functions if later is not None]
    return list(nodes)
