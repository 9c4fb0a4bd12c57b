"""A module of the user's own, handed in to be trained, and how it is given back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def given_back(model: nn.Module | None) -> Iterator[None]:
    """Afterwards a module is at rest, free to learn where it was, and without gradients.

    However it ends: also where training is interrupted while a part of it is frozen.
    """
    if model is None:
        yield
        return
    free = {name: p.requires_grad for name, p in model.named_parameters()}
    try:
        yield
    finally:
        for name, p in model.named_parameters():
            p.requires_grad_(free.get(name, p.requires_grad))
            p.grad = None
        model.eval()
