"""One step of a walk through a graph, and conditions to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cutaway.byhand.node import Node


@dataclass(frozen=True, eq=False)
class Event:
    """One node, going forward or backward.

    Attributes:
        phase: `forward` or `backward`.
        value: of the node.
        flops: floating-point operations; backward as many as forward for each gradient that leaves.
        bytes: of all tensors that the step reads and writes.
        gradient: dJ/dvalue as it arrived; None going forward.
        sent: what leaves along each edge: the input's name and its share of dJ; empty going
            forward.
    """

    phase: str
    node: Node
    value: Tensor
    flops: int
    bytes: int
    gradient: Tensor | None = None
    sent: tuple[tuple[str, Tensor], ...] = ()

    @property
    def equation(self) -> str:
        """The equation of the value; going backward, of the gradients."""
        assert self.node.operation
        forward, _, backward = self.node.operation.equations().partition("; ")
        return forward if self.phase == "forward" else backward

    @property
    def outputs(self) -> list[Tensor]:
        """The outputs of this step: the value, or the gradients passed on."""
        return [self.value] if self.phase == "forward" else [share for _, share in self.sent]


Stop = Callable[[Event], bool]
"""A condition to stop."""


def at(*names: str) -> Stop:
    """Stop at nodes, in both directions."""
    return lambda event: event.node.name in names


def nan(event: Event) -> bool:
    """Stop where a value is computed that is infinite or not a number."""
    return any(not x.isfinite().all() for x in event.outputs)


def explode(limit: float = 1e3) -> Stop:
    """Stop where a value is computed whose magnitude is above `limit`, or that is not a number."""
    return lambda event: any(not largest(x) <= limit for x in event.outputs)


def largest(x: Tensor) -> float:
    """The largest magnitude of real numbers; 0 where there are none."""
    return x.abs().max().item() if x.is_floating_point() and x.numel() else 0.0


def nbytes(*tensors: Tensor | None) -> int:
    """Bytes of some tensors."""
    return sum(x.nbytes for x in tensors if x is not None)
