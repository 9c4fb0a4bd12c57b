"""Ablation: units removed, fixed or exchanged, and the effect on a measure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.layers import check_hookable, layers

Change = Callable[[Tensor], Tensor]
"""A function of a layer's output, whose units are its second dimension."""


@contextmanager
def modified_outputs(model: nn.Module, changes: Mapping[str, Change]) -> Iterator[None]:
    """Change the outputs of layers before the next layer sees them, in training too.

    Raises:
        UsageError: no such layer, or one whose output is not a single tensor.
    """

    def replace(name: str, change: Change, module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise UsageError(f"The output of '{name}' is not one tensor, so it cannot be changed.")
        return change(output)

    check_hookable(model)
    modules = {name: layers(model, [name])[name] for name in changes}
    handles = [
        module.register_forward_hook(partial(replace, name, changes[name]))
        for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def set_units(units: Iterable[int], value: float = 0.0) -> Change:
    """Set these units (channels, where there are places) to `value`; 0 removes them.

    Raises:
        UsageError: when called, a unit that is not there.
    """
    indices = sorted(units)

    def change(y: Tensor) -> Tensor:
        if indices and not 0 <= indices[0] <= indices[-1] < y.shape[1]:
            raise UsageError(f"The layer has units 0 to {y.shape[1] - 1}, not {indices}.")
        keep = torch.ones(y.shape[1], dtype=torch.bool, device=y.device)
        keep[indices] = False
        return y.where(keep.view(1, -1, *[1] * (y.ndim - 2)), value)

    return change


def patch_units(
    source: Float[Tensor, "b units *place"], units: Iterable[int] | None = None
) -> Change:
    """Replace these units (all, where none are named) by their outputs from elsewhere.

    Args:
        source: what `answers` gave for other images, as many of them or one for all.
    """
    indices = None if units is None else sorted(units)

    def change(y: Tensor) -> Tensor:
        other = source.expand_as(y)
        if indices is None:
            return other
        y = y.clone()
        y[:, indices] = other[:, indices]
        return y

    return change


def zero_output(y: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Zero the layer's whole output."""
    return torch.zeros_like(y)


def ablate(
    model: nn.Module,
    measure: Callable[[], float],
    layer: str,
    units: Sequence[int],
    value: float = 0.0,
) -> Float[Tensor, "units"]:
    """Evaluate a measure without each of these units, one at a time.

    Args:
        measure: of the model as it is when called, such as its accuracy on the validation images.
        value: what a removed unit answers instead.
    """
    results = []
    for unit in units:
        with modified_outputs(model, {layer: set_units([unit], value)}):
            results.append(measure())
    return torch.tensor(results)
