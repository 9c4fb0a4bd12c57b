"""Taking a network apart: units removed, held or exchanged, and what that costs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.layers import hookable, layers

Change = Callable[[Tensor], Tensor]
"""What a layer's output becomes; units are its second dimension."""


@contextmanager
def changed(model: nn.Module, changes: Mapping[str, Change]) -> Iterator[None]:
    """Inside, outputs of layers are changed before the next layer sees them, in training too.

    Raises:
        UsageError: no such layer, or one whose output is not a single tensor.
    """

    def put(name: str, change: Change, module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise UsageError(f"The output of '{name}' is not one tensor, so it cannot be changed.")
        return change(output)

    hookable(model)
    found = {name: layers(model, [name])[name] for name in changes}
    handles = [
        module.register_forward_hook(partial(put, name, changes[name]))
        for name, module in found.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def held(units: Iterable[int], value: float = 0.0) -> Change:
    """These units (channels, where there are places) answer `value`; 0 removes them.

    Raises:
        UsageError: when called, a unit that is not there.
    """
    chosen = sorted(units)

    def change(y: Tensor) -> Tensor:
        if chosen and not 0 <= chosen[0] <= chosen[-1] < y.shape[1]:
            raise UsageError(f"The layer has units 0 to {y.shape[1] - 1}, not {chosen}.")
        keep = torch.ones(y.shape[1], dtype=torch.bool, device=y.device)
        keep[chosen] = False
        return y.where(keep.view(1, -1, *[1] * (y.ndim - 2)), value)

    return change


def patched(source: Float[Tensor, "b units *place"], units: Iterable[int] | None = None) -> Change:
    """These units (all, where none are named) answer as they did elsewhere.

    Args:
        source: what `answers` gave for other images, as many of them or one for all.
    """
    chosen = None if units is None else sorted(units)

    def change(y: Tensor) -> Tensor:
        other = source.expand_as(y)
        if chosen is None:
            return other
        y = y.clone()
        y[:, chosen] = other[:, chosen]
        return y

    return change


def skipped(y: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The layer answers zero everywhere."""
    return torch.zeros_like(y)


def ablate(
    model: nn.Module,
    measure: Callable[[], float],
    layer: str,
    units: Sequence[int],
    value: float = 0.0,
) -> Float[Tensor, "units"]:
    """What a measure comes to without each of these units, one at a time.

    Args:
        measure: of the model as it is when called, such as its accuracy on the validation images.
        value: what a removed unit answers instead.
    """
    found = []
    for unit in units:
        with changed(model, {layer: held([unit], value)}):
            found.append(measure())
    return torch.tensor(found)
