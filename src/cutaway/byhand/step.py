"""A walk through a graph one node at a time: forward to J, then backward to the parameters.

    for event in Stepper(graph, inputs):
        print(event.phase, event.node.name, event.flops)

A node is computed when its event is asked for, so a value or a gradient can be changed on the way,
and the walk goes on with what follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from cutaway.byhand.edits import Change, for_autograd, with_changes
from cutaway.byhand.event import Event, Stop, nbytes
from cutaway.byhand.graph import Graph
from cutaway.byhand.node import Node
from cutaway.byhand.witness import Witness, autograd
from cutaway.errors import UsageError, nearest


class Stepper:
    """Walks through a graph; every iteration continues where the last one stopped.

    It fills `graph.values` and `graph.gradients`. What belongs to the caller is left alone:
    parameters that are set, and running statistics that move, are the walk's own.

    Args:
        inputs: as for `graph.forward`.
        g: dJ/doutput, where the output is no single number.

    Attributes:
        event: the last one.
        up, down: the nodes of the forward and of the backward pass, in order.
        position: how many steps lie behind.
        changes: the values that were set, by node.
    """

    def __init__(self, graph: Graph, inputs: Sequence[Tensor], g: Tensor | None = None) -> None:
        graph.begin(*inputs)
        self.graph, self._g = graph, g
        graph.values |= self._constants(graph.nodes)
        self.up, self._live = graph.operations, graph.live()
        self.down = [node for node in reversed(self.up) if node.name in self._live]
        self.position = 0
        self.event: Event | None = None
        self.changes: dict[str, list[Change]] = {}
        self._gradients: dict[str, list[Change]] = {}

    # Going on

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self.position < len(self.up):
            node = self.up[self.position]
            self.graph.compute(node)
            self.position += 1
            return self._forward(node)
        while self.passed < len(self.down):
            if not self.passed:
                self._begin()
            node = self.down[self.passed]
            self.position += 1
            if node.name in self.graph.gradients:
                return self._backward(node)
        raise StopIteration

    @property
    def passed(self) -> int:
        """Number of nodes of the backward pass that are done."""
        return max(0, self.position - len(self.up))

    def run(self, until: Stop | None = None) -> Event | None:
        """Continue until an event; returns it, or None at the end."""
        return next((event for event in self if until is not None and until(event)), None)

    def turn(self) -> None:
        """Move to the end of the forward pass, from before or after: the next step is backward."""
        while self.position < len(self.up):
            next(self)
        self.position, self.graph.gradients = len(self.up), {}

    def finished(self) -> dict[str, Tensor]:
        """The gradients that are complete."""
        unfinished = {name for node in self.down[self.passed :] for name in node.inputs}
        return {name: g for name, g in self.graph.gradients.items() if name not in unfinished}

    # Changing

    def set(self, name: str, value: Tensor | float, at: Any = ()) -> list[str]:
        """Change a value, or the part of it at an index: from here on the walk is as if it had
        been so from the beginning.

        What hangs on it and was computed already is computed again, and gradients are sent again.
        What was drawn by chance stays, so do running statistics and what was set before. Gives the
        nodes computed again.

        Raises:
            UsageError: there is no such value yet, no such part, or it has another shape.
        """
        before = self.graph.values
        new = with_changes(name, self._known(before, name), [(value, at)])
        self.graph.values = before | {name: new}
        try:
            recomputed = self._recompute(name)
        except UsageError:
            self.graph.values = before
            raise
        self.changes.setdefault(name, []).append((value, at))
        self._resend_gradients()
        return recomputed

    def set_gradient(self, name: str, value: Tensor | float, at: Any = ()) -> None:
        """Change (a part of) what arrived at a node; what has left since leaves again."""
        with_changes(name, self._known(self.graph.gradients, name), [(value, at)])
        if not self.graph.nodes[name].operation:
            raise UsageError(
                f"'{name}' is given, and its gradient goes no further: set that of a computed node."
            )
        self._gradients.setdefault(name, []).append((value, at))
        self._resend_gradients()

    def witness(self) -> Witness:
        """The same by autograd, with the values and gradients that were set.

        Below a set node that computes its gradient from its own value, as a sigmoid does, autograd
        differs: it takes the value that the node would have had.
        """
        set_gradients = {n: g for n, g in self.graph.gradients.items() if n in self._gradients}
        witness = autograd(for_autograd(self.graph, self.changes, set_gradients), self._g)
        return Witness(witness.values, witness.gradients | set_gradients)

    def _known(self, known: Mapping[str, Tensor], name: str) -> Tensor:
        if name not in self.graph.nodes:
            raise UsageError(f"There is no node '{name}'.{nearest(name, self.graph.nodes)}")
        if name not in known:
            raise UsageError(f"The walk has not reached '{name}' yet: go on to it first.")
        return known[name]

    def _recompute(self, name: str) -> list[str]:
        """Compute again what depends on a changed value, as far as the walk has come."""
        stale = [name]
        for node in self.up[: self.position]:
            assert node.operation
            if not node.operation.random and not set(stale).isdisjoint(node.inputs):
                running_statistics = self._constants(
                    i for i in node.inputs if i
                )  # running statistics
                y = self.graph.compute(node)
                recomputed = {
                    node.name: with_changes(node.name, y, self.changes.get(node.name, ()))
                }
                self.graph.values |= running_statistics | recomputed
                stale.append(node.name)
        return stale[1:]

    def _resend_gradients(self) -> None:
        """Send the gradients so far again; the last event is as it would have been."""
        if self.event and self.event.phase == "forward":
            self._forward(self.event.node)
        if self.passed:
            self._begin()
            for node in self.down[: self.passed]:
                if node.name in self.graph.gradients:
                    self._backward(node)

    # One step

    def _forward(self, node: Node) -> Event:
        y, x = self.graph.values[node.name], self.graph.arguments(node)
        assert node.operation
        self.event = Event("forward", node, y, node.operation.flops(y, *x), nbytes(y, *x))
        return self.event

    def _begin(self) -> None:
        self.graph.seed(self._g)
        self._apply_set_gradients()

    def _backward(self, node: Node) -> Event:
        y, x = self.graph.values[node.name], self.graph.arguments(node)
        g = self.graph.gradients[node.name]
        sent = tuple(self.graph.push(node, self._live))
        self._apply_set_gradients()
        assert node.operation
        flops = node.operation.flops(y, *x) * len(sent)
        moved = nbytes(g, *x, *(share for _, share in sent))
        self.event = Event("backward", node, y, flops, moved, g, sent)
        return self.event

    def _apply_set_gradients(self) -> None:
        """Apply the values that were set to gradients that have arrived."""
        known = self.graph.gradients
        for name in self._gradients.keys() & known.keys():
            known[name] = with_changes(name, known[name], self._gradients[name])

    def _constants(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Copies of the constants among some nodes."""
        nodes = self.graph.nodes
        return {n: self.graph.values[n].clone() for n in names if nodes[n].kind == "constant"}
