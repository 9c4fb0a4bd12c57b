"""Features of images as a trained network has them just before it answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn


def last_layer(network: nn.Module, x: Tensor) -> str | None:
    """The name of the layer with weights that is called last; None where no module has any."""
    called: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: called.append(name))
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return called[-1] if called else None


@contextmanager
def inputs_of(network: nn.Module, layer: str) -> Iterator[list[Float[Tensor, "b d"]]]:
    """The inputs of a layer's calls within the block, of maps their mean over all places; none
    that are no features of a batch."""
    found: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        x = inputs[0] if inputs else None
        if isinstance(x, Tensor) and x.is_floating_point() and x.ndim > 1:
            found.append(_flat(x.float(), isinstance(module, nn.Linear)))

    handle = network.get_submodule(layer).register_forward_pre_hook(note)
    try:
        yield found
    finally:
        handle.remove()


def _flat(x: Tensor, channels_last: bool) -> Float[Tensor, "b d"]:
    if x.ndim <= 2:
        return x
    return x.flatten(1, -2).mean(1) if channels_last else x.flatten(2).mean(2)


class WithFeatures(nn.Module):
    """A module that gives what goes into a layer of a network inside it beside its output."""

    def __init__(self, whole: nn.Module, network: nn.Module, layer: str):
        super().__init__()
        self.whole, self.network, self.layer = whole, network, layer

    def forward(self, x: Tensor) -> tuple[Tensor, Float[Tensor, "b d"]]:
        with inputs_of(self.network, self.layer) as found:
            return self.whole(x), found[-1]
