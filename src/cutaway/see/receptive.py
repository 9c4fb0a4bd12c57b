"""Receptive fields: the pixels that a unit can depend on, followed through any network."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.follow import Field, Follow
from cutaway.see.layers import layers, unwrapped
from cutaway.see.probe import hooked, resting


def receptive_fields(
    model: nn.Module, x: Float[Tensor, "b c *side"], only: Sequence[str] = ()
) -> dict[str, Field | None]:
    """The receptive field of each layer's outputs; None where they see the whole image.

    The network runs on tensors without values, so that even a large one costs nothing. A layer
    that is called more than once has a field for each call: `relu`, `relu (2)`.

    Args:
        x: an example of what the model takes; only its shape counts.
        only: names or patterns of layers; by default all that compute something.

    Raises:
        UsageError: no such layer, or a model that decides by the values that it computes.
    """
    fields: dict[str, Field | None] = {}
    image = x.to("meta")
    follow = Follow(image)

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        fields[name] = follow.fields.get(y)

    bare = unwrapped(model)
    named_tensors = (*bare.named_parameters(), *bare.named_buffers())
    weights = {name: value.to("meta") for name, value in named_tensors}
    try:
        with torch.no_grad(), resting(model), hooked(layers(model, only), note), follow:
            torch.func.functional_call(bare, weights, (image,))
    except Exception as error:  # what a network does with tensors without values
        message = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"Receptive fields cannot be followed through this network: {message}"
        ) from error
    return fields
