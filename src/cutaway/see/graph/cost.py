"""The cost of one operation."""

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


def run_measured(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Cost]:
    """Run an operation; return its output and its cost."""
    device = next((x.device.type for x in unpacked((args, kwargs))), "cpu")
    start = _now(device)
    output = func(*args, **kwargs)
    ms = (_now(device) - start) * 1e3
    bytes_read, bytes_written = bytes_moved(
        func, list(unpacked((args, kwargs))), list(unpacked(output))
    )
    return output, Cost(flops(func, args, kwargs, output), bytes_read, bytes_written, ms)


def _now(device: str) -> float:
    """Seconds, after the device has finished its work."""
    if device not in ("cpu", "meta"):
        torch.accelerator.synchronize()
    return time.perf_counter()


def flops(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any) -> int:
    """Floating-point operations by the formulas of `torch.utils.flop_counter`; 0 for other
    operations."""
    formula: Formula | None = FORMULAS.get(func.overloadpacket)
    return int(formula(*args, **kwargs, out_val=output)) if formula else 0


def bytes_moved(func: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[int, int]:
    """Bytes read and written."""
    storages = {memory(x) for x in inputs}
    if not func._schema.is_mutable and outputs and all(memory(y) in storages for y in outputs):
        return 0, 0  # a view
    return sum(map(nbytes, inputs)), sum(map(nbytes, outputs))


def nbytes(x: Tensor) -> int:
    """Bytes of a tensor's values; expanded values count once."""
    total = x.numel() * x.itemsize
    return min(total, x.untyped_storage().nbytes()) if x.layout is torch.strided else total


def shapes(values: Any) -> tuple[Shape, ...]:
    """The shapes of all tensors, however they are packed."""
    return tuple(tuple(x.shape) for x in unpacked(values))


def _recurrent(x: Tensor, w_x: Tensor, w_h: Tensor, *args: Any, **kwargs: Any) -> int:
    """One layer of a recurrent network, one direction: two products a step, whatever the order."""
    steps = prod(x.shape[:-1])
    return 2 * steps * (w_x.numel() + w_h.numel())


Formula = Callable[..., int]
FORMULAS: dict[Any, Formula] = flop_registry | {
    aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop,
    aten.mkldnn_rnn_layer: _recurrent,
}
"""PyTorch's formulas, and those of operations on a CPU that it lacks."""
