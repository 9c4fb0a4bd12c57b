"""Weights and feature maps of a layer as arrays to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.probe import call_on_copy, last_answer

MAX_SHOWN = 64
"""Number of units, and of inputs of a unit, that are shown by default."""
COLOURS = (1, 3)
"""Numbers of channels that a picture can have."""


def filters(
    layer: nn.Module | Tensor, shape: Sequence[int] = (), most: int = MAX_SHOWN
) -> Float[Tensor, "units parts c h w"]:
    """The weights of each unit by its inputs, in 0..1: zero is 0.5, the largest weight 0 or 1.

    Weights of 1 or 3 inputs, a picture's channels, are one picture a unit, grey or in colour; of
    other numbers of inputs each is a grey picture of its own. All parts of a unit have one scale.

    Args:
        layer: a module with a weight, or the weight: units x inputs x height x width of
            convolutions (also transposed, or over signals), units x inputs of dense layers.
        shape: of the images (channels, height, width) that a dense layer's inputs are.
        most: units, and pictures of a unit, from the first on.

    Raises:
        UsageError: no weight, or one that is no picture or does not fit the shape.
    """
    w = _as_pictures(layer, tuple(shape))[:most]
    w = 0.5 + 0.5 * w / w.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-30)
    return w[:, None] if w.shape[1] in COLOURS else w[:, :most, None]


def _as_pictures(layer: nn.Module | Tensor, shape: tuple[int, ...]) -> Float[Tensor, "n i h w"]:
    """The weight as a picture for each unit and input."""
    w = layer if isinstance(layer, Tensor) else getattr(layer, "weight", None)
    if not isinstance(w, Tensor) or w.ndim < 2:
        kind = "" if isinstance(layer, Tensor) else f": a {type(layer).__name__} has none"
        raise UsageError(f"Filters are the weights of convolutions and dense layers{kind}.")
    w = w.detach()
    if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        w = _untransposed(w, layer.groups)
    if w.ndim == 2:
        return _reshaped(w, shape)
    if w.ndim > 4:
        raise UsageError(
            f"Weights with {w.ndim - 2} spatial dimensions, as for videos, cannot be shown as "
            "pictures."
        )
    return w if w.ndim == 4 else w[:, :, None]


def _untransposed(w: Float[Tensor, "i o *k"], groups: int) -> Float[Tensor, "n j *k"]:
    """Move units first; with several groups, each unit gets the inputs of its own."""
    return w.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)


def _reshaped(w: Float[Tensor, "n i"], shape: tuple[int, ...]) -> Float[Tensor, "n c h w"]:
    if len(shape) != 3 or prod(shape) != w.shape[1]:
        raise UsageError(
            f"The dense layer has {w.shape[1]} inputs: give the shape (channels, height, width) "
            f"of the images that they are{f', not {shape}' if shape else ''}."
        )
    return w.view(-1, *shape)


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps of some units of a layer for one image.

    Attributes:
        units: their numbers.
        maps: of each at its places: one of a unit without places, one row of a signal's, the
            frames of a video's below each other.
    """

    units: Int[Tensor, "m"]
    maps: Float[Tensor, "m h w"]


def feature_maps(
    model: nn.Module,
    x: Float[Tensor, "c *side"],
    layer: str,
    most: int = MAX_SHOWN,
    strongest: bool = False,
) -> FeatureMaps:
    """The maps of a layer for one image, as they are: some of them negative where no ReLU follows.

    Of a layer that is called several times, the last answer.

    Args:
        most: maps, from the first unit on.
        strongest: those units whose largest answer is largest instead, that one first.

    Raises:
        UsageError: no such layer, or one whose output has no units.
    """
    with torch.no_grad(), last_answer(model, layer) as last:
        call_on_copy(model, x[None])
    y = last.value
    if y.ndim < 2 or len(y) != 1:
        raise UsageError(f"The output of '{layer}' has no units.")
    maps = y[0].reshape(y.shape[1], -1, y.shape[-1] if y.ndim > 2 else 1)
    units = torch.arange(len(maps))
    if strongest:
        units = maps.flatten(1).amax(1).argsort(descending=True, stable=True)
    return FeatureMaps(units[:most], maps[units[:most]])
