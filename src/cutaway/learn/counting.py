"""What work costs, counted as it runs: a busy machine changes nothing of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cutaway.see.graph.cost import Mode, flops, moved
from cutaway.see.layers import unpacked


class Counted(Mode):
    """Inside, what PyTorch computes is counted.

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
        found = func(*args, **(kwargs or {}))
        given = (args, kwargs or {})
        self.flops += flops(func, *given, found)
        written = moved(func, list(unpacked(given)), list(unpacked(found)))[1]
        self.bytes, self.calls = self.bytes + written, self.calls + bool(written)
        return found


def counted(work: Callable[[], Any]) -> Counted:
    """What a piece of work costs."""
    counted = Counted()
    with counted:
        work()
    return counted
