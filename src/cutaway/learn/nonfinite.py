"""Find the layer where a number first stopped being finite."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.together.sharded import local


def first_not_finite(
    model: nn.Module, x: Float[Tensor, "b *shape"], compute: Callable[[], object]
) -> str:
    """A phrase for the first layer whose input, parameters or output are not finite.

    Layers are looked at in the order in which they answer. The hooks are removed again.

    Args:
        compute: does what went wrong once more.
    """
    if not x.isfinite().all():
        return "the images themselves"
    phrases: list[str] = []

    def look(name: str, layer: nn.Module, output: Any) -> None:
        if phrases:
            return
        for key, p in layer.named_parameters(recurse=False):
            if not local(p).isfinite().all():
                phrases.append(f"the parameter '{name}.{key}', which the update before had spoilt")
                return
        if isinstance(output, Tensor) and not output.isfinite().all():
            phrases.append(f"the output of layer '{name}' ({type(layer).__name__})")

    leaves = [(n, m) for n, m in model.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda layer, _, out, n=n: look(n, layer, out)) for n, m in leaves
    ]
    try:
        with torch.no_grad():
            compute()
    finally:
        for handle in handles:
            handle.remove()
    return phrases[0] if phrases else "the loss itself"
