"""Activation checkpointing: memory that grows as the square root of the depth."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from math import isqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Checkpointed(nn.Sequential):
    """x_(i+1) = f_i(x_i), as `nn.Sequential`; while training, n layers keep about sqrt(n) of the x.

    What a segment of layers needs for its backward pass is computed again when that is due: one
    more forward pass buys n activations for 2 sqrt(n).

    Source: Chen et al. 2016, 'Training deep nets with sublinear memory cost', section 4.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        if not (self.training and torch.is_grad_enabled()):
            return super().forward(x)  # type: ignore[no-untyped-call]
        layers = list(self)
        length = max(1, isqrt(len(layers)))
        for i in range(0, len(layers), length):
            segment = nn.Sequential(*layers[i : i + length])
            x = checkpoint(
                segment, x, use_reentrant=False, context_fn=partial(first_and_repeat, segment)
            )
        return x


def first_and_repeat(
    segment: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts for the first pass through a segment, and for the repeated one."""
    return nullcontext(), preserved_buffers(segment)


@contextmanager
def preserved_buffers(module: nn.Module) -> Iterator[None]:
    """Let a repeated pass write to copies of the buffers: running statistics have seen this batch
    already."""
    buffers = [(m, name, b) for m in module.modules() for name, b in m.named_buffers(recurse=False)]
    for m, name, b in buffers:
        setattr(m, name, b.clone())
    try:
        yield
    finally:
        for m, name, b in buffers:
            setattr(m, name, b)
