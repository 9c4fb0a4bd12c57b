"""Layer-sequential unit-variance: each layer's weights scaled until its output varies by one."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def lsuv(
    model: nn.Module,
    layers: Iterable[nn.Module],
    forward: Callable[[], Any],
    tol: float = 0.05,
    max_steps: int = 10,
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

    def rescale(
        layer: nn.Module, inputs: tuple[Any, ...], kwargs: dict[str, Any], s: Tensor
    ) -> Tensor:
        if layer in done:
            return s
        done.add(layer)
        return _rescale(layer, lambda: layer.forward(*inputs, **kwargs), s, tol, max_steps)

    with _training_mode(model), ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(rescale, with_kwargs=True))
        forward()


def _rescale(
    layer: nn.Module, forward: Callable[[], Tensor], s: Tensor, tol: float, max_steps: int
) -> Tensor:
    """The layer's output once its weights are scaled; s is the output before."""
    for _ in range(max_steps):
        var = s.var().item()
        if not (math.isfinite(var) and var > 0):
            warnings.warn(f"LSUV leaves {layer} as it is: its output does not vary.", stacklevel=3)
            return s
        if abs(var - 1) < tol:
            return s
        layer.weight.div_(math.sqrt(var))  # type: ignore[operator]
        s = forward()
    return s


@contextmanager
def _training_mode(model: nn.Module) -> Iterator[None]:
    """Training mode; modes and buffers are restored afterwards."""
    modes, buffers = {m: m.training for m in model.modules()}, [b.clone() for b in model.buffers()]
    try:
        model.train()
        yield
    finally:
        for buffer, before in zip(model.buffers(), buffers, strict=True):
            buffer.copy_(before)
        for module, training in modes.items():
            module.training = training
