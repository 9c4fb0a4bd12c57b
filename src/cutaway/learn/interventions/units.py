"""The units of a layer, with the weights that are theirs alone."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.errors import UsageError


def units(model: nn.Module, layer: str) -> int:
    """How many units a layer has; raises UsageError where its units cannot be held."""
    module = dict(model.named_modules()).get(layer)
    if module is None:
        raise UsageError(f"This network has no layer {layer}.")
    if not holdable(model, layer):
        raise UsageError(
            f"{layer} has no units with weights of their own: choose a convolution, a linear layer "
            "or a normalisation."
        )
    return int(module.get_parameter("weight").shape[axis_of(module)])


def holdable(model: nn.Module, layer: str) -> bool:
    """Whether the units of a layer can be held: each has weights that are its own."""
    module = dict(model.named_modules()).get(layer)
    grouped = isinstance(module, Transposed) and module.groups > 1
    weight = getattr(module, "weight", None)
    return isinstance(module, HELD) and not grouped and isinstance(weight, nn.Parameter)


Conv = nn.modules.conv._ConvNd
Transposed = nn.modules.conv._ConvTransposeNd
HELD = (Conv, nn.Linear, nn.modules.batchnorm._NormBase, nn.GroupNorm)
"""Layers whose units can be held."""


def axis_of(module: nn.Module) -> int:
    """The axis of a weight along which its units lie."""
    return 1 if isinstance(module, Transposed) else 0


def unit_rows(model: nn.Module, layer: str, unit: int) -> dict[str, Tensor]:
    """The weight and the bias of a unit, as views."""
    module = model.get_submodule(layer)
    weight, bias = module.get_parameter("weight").detach(), getattr(module, "bias", None)
    rows = {"weight": weight.select(axis_of(module), unit)}
    return rows | {"bias": bias.detach()[unit]} if isinstance(bias, Tensor) else rows


@torch.no_grad()
def hold(model: nn.Module, held: Mapping[tuple[str, int], float]) -> None:
    """Let units, each of a layer, answer one value, whatever they are shown."""
    for (layer, unit), value in held.items():
        for name, row in unit_rows(model, layer, unit).items():
            row.fill_(value if name == "bias" else 0.0)


def as_they_are(
    model: nn.Module, layer: str, unit: int
) -> list[tuple[str, tuple[int, ...], tuple[float, ...]]]:
    """The weights of a unit as they can be set again: parameter, index and values (`Weights`)."""
    axes = {"weight": axis_of(model.get_submodule(layer)), "bias": 0}
    return [
        (f"{layer}.{name}", (*[-1] * axes[name], unit), plain(row))
        for name, row in unit_rows(model, layer, unit).items()
    ]


def kernel(model: nn.Module, layer: str, unit: int) -> dict[str, Any]:
    """The weights of a unit as plain data, as they can be set: see `Weights`.

    Raises:
        UsageError: there is no such unit.
    """
    count = units(model, layer)
    if not 0 <= unit < count:
        raise UsageError(f"{layer} has units 0 to {count - 1}, and no {unit}.")
    parameter, index, values = as_they_are(model, layer, unit)[0]
    shape = unit_rows(model, layer, unit)["weight"].shape
    return {
        "layer": layer, "unit": unit, "parameter": parameter, "index": list(index),
        "shape": list(shape), "values": list(values),
    }  # fmt: skip


def dropouts(model: nn.Module) -> Iterator[Any]:
    """The layers of dropout in a network."""
    return (one for one in model.modules() if isinstance(one, nn.modules.dropout._DropoutNd))


def plain(values: Tensor) -> tuple[float, ...]:
    """All of them, in their order."""
    return tuple(values.flatten().tolist())
