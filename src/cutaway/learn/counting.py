"""The cost of work, counted as it runs: a busy machine changes nothing of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cutaway.see.graph.cost import Mode, bytes_moved, flops
from cutaway.see.layers import unpacked


class CostCounter(Mode):
    """Count what PyTorch computes inside this context.

    Attributes:
        flops: of matrix products and convolutions, a multiplication and an addition each.
        bytes: written by any operation.
        calls: of operations that write.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.bytes = self.calls = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        inputs = (args, kwargs or {})
        self.flops += flops(func, *inputs, output)
        written = bytes_moved(func, list(unpacked(inputs)), list(unpacked(output)))[1]
        self.bytes, self.calls = self.bytes + written, self.calls + bool(written)
        return output


def count_cost(work: Callable[[], Any]) -> CostCounter:
    """Count the cost of a piece of work."""
    counter = CostCounter()
    with counter:
        work()
    return counter
