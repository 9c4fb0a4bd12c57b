"""Layer-sequential unit-variance: each layer's weights scaled until its output varies by one."""

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def lsuv(
    model: nn.Module,
    layers: Iterable[nn.Module],
    forward: Callable[[], Any],
    tol: float = 0.05,
    most: int = 10,
) -> None:
    """Layer by layer, u <- u / sqrt(var(s)) until the output s has |var(s) - 1| < tol.

    One forward pass does it: a hook mends a layer before the next one sees its output. It runs as
    in training, so that norms, dropout and auxiliary heads take part; buffers come back after it.
    A layer that is used more than once is mended at its first use.

    Args:
        layers: those with a weight to mend.
        forward: runs `model` once on a batch.

    Source: Mishkin and Matas 2016, algorithm 1.
    """
    done: set[nn.Module] = set()

    def mend(layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], s: Tensor) -> Tensor:
        if layer in done:
            return s
        done.add(layer)
        for _ in range(most):
            var = s.var().item()
            if not (math.isfinite(var) and var > 0):
                warnings.warn(
                    f"LSUV leaves {layer} as it is: its output does not vary.", stacklevel=2
                )
                return s
            if abs(var - 1) < tol:
                return s
            layer.weight.div_(math.sqrt(var))  # type: ignore[operator]
            s = layer.forward(*inputs, **named)
        return s

    was, kept = {m: m.training for m in model.modules()}, [b.clone() for b in model.buffers()]
    hooks = [layer.register_forward_hook(mend, with_kwargs=True) for layer in layers]
    try:
        model.train()
        forward()
    finally:
        for hook in hooks:
            hook.remove()
        for buffer, before in zip(model.buffers(), kept, strict=True):
            buffer.copy_(before)
        for module, training in was.items():
            module.training = training
