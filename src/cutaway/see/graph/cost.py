"""What one operation costs."""

import time
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop, sdpa_flop

from cutaway.see.graph.parts import Cost, Shape
from cutaway.see.layers import memory, unpacked

aten = torch.ops.aten


class Mode(TorchDispatchMode):
    """A dispatch mode that does not import the compiler, which takes seconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def measured(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Cost]:
    """What an operation gives, and what it cost."""
    device = next((x.device.type for x in unpacked((args, kwargs))), "cpu")
    start = _now(device)
    found = func(*args, **kwargs)
    ms = (_now(device) - start) * 1e3
    read, written = moved(func, list(unpacked((args, kwargs))), list(unpacked(found)))
    return found, Cost(flops(func, args, kwargs, found), read, written, ms)


def _now(device: str) -> float:
    """Seconds, when the device has done what it was asked."""
    if device not in ("cpu", "meta"):
        torch.accelerator.synchronize()
    return time.perf_counter()


def flops(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], found: Any) -> int:
    """By the formulas of `torch.utils.flop_counter`; none for what is no product."""
    formula: Formula | None = FORMULAS.get(func.overloadpacket)
    return int(formula(*args, **kwargs, out_val=found)) if formula else 0


def moved(func: Any, taken: Sequence[Tensor], given: Sequence[Tensor]) -> tuple[int, int]:
    """Bytes read and written."""
    held = {memory(x) for x in taken}
    if not func._schema.is_mutable and given and all(memory(y) in held for y in given):
        return 0, 0  # a view
    return sum(map(nbytes, taken)), sum(map(nbytes, given))


def nbytes(x: Tensor) -> int:
    """Of its values; what is only repeated counts once."""
    held = x.numel() * x.itemsize
    return min(held, x.untyped_storage().nbytes()) if x.layout is torch.strided else held


def shapes(values: Any) -> tuple[Shape, ...]:
    """Of all tensors, however they are packed."""
    return tuple(tuple(x.shape) for x in unpacked(values))


def _recurrent(x: Tensor, w_x: Tensor, w_h: Tensor, *args: Any, **kwargs: Any) -> int:
    """One layer of a recurrent network, one way: two products a step, whatever the order."""
    steps = prod(x.shape[:-1])
    return 2 * steps * (w_x.numel() + w_h.numel())


Formula = Callable[..., int]
FORMULAS: dict[Any, Formula] = flop_registry | {
    aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop,
    aten.mkldnn_rnn_layer: _recurrent,
}
"""PyTorch's, and what runs on a CPU and is missing there."""
