"""Being told what layers answer, for the length of a block."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.arithmetic import exact
from cutaway.see.layers import layers, tensors

Note = Callable[[str, nn.Module, Tensor], None]
"""Told the name of a call, the layer and what it answered."""


class Calls:
    """Names for the calls of layers: `relu`, and where it is called again, `relu (2)`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def next(self, layer: str) -> tuple[str, int]:
        """The name of the next call, and its number."""
        self._counts[layer] += 1
        count = self._counts[layer]
        return (layer if count == 1 else f"{layer} ({count})"), count


@contextmanager
def probing(chosen: Mapping[str, nn.Module], note: Note) -> Iterator[None]:
    """Inside, every call of the chosen layers is noted; afterwards no hook is left."""
    calls = Calls()

    def look(layer: str, module: nn.Module, inputs: Any, output: Any) -> None:
        for x in tensors(output):
            note(calls.next(layer)[0], module, x)

    handles = [one.register_forward_hook(partial(look, name)) for name, one in chosen.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def last_answer(model: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """Inside, a list that holds what a layer answered last; the model is at rest.

    Raises:
        UsageError: no such layer.
    """
    held: list[Tensor] = []

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        held[:] = [y]

    with resting(model), probing(layers(model, [layer]), note):
        yield held


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """The model as it answers: no dropout, no batch statistics, and float32 that is not rounded.

    Afterwards each module is as it was.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with exact():
            yield
    finally:
        for module, training in modes:
            module.training = training


def answers(
    model: nn.Module, x: Float[Tensor, "b *shape"], only: Sequence[str] = ()
) -> dict[str, Float[Tensor, "..."]]:
    """What each layer answers to a batch, in the order of the calls; the model is at rest.

    Args:
        only: names or patterns of layers; by default all that compute something.

    Raises:
        UsageError: no such layer.
    """
    found: dict[str, Tensor] = {}

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        found[name] = y.clone()  # what comes next may work in place

    with torch.no_grad(), resting(model), probing(layers(model, only), note):
        model(x)
    return found
