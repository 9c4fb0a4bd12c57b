"""Similarity of two networks' layers, each with each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.layers import layers
from cutaway.see.probe import call_on_copy, hooked, resting


@dataclass(frozen=True)
class Agreement:
    """Linear CKA (see `numbers.cka`) of each layer of one network with each of another.

    Attributes:
        rows, columns: names of the calls of the first and of the second network's layers.
        cka: 0 to 1; NaN where a layer answers the same to every example.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cka: Float[Tensor, "a b"]


def layer_agreement(
    model: nn.Module,
    other: nn.Module,
    x: Any,
    only: Sequence[str] = (),
    others: Sequence[str] = (),
) -> Agreement:
    """Compare the outputs of two networks, or twice the same, on the same examples.

    Of each layer the n x n products of its centred answers are kept (units and places in a row),
    not the answers, so that wide layers cost no more than narrow ones.
    Source: Kornblith et al. 2019, equations 1 to 3.

    Args:
        x: some hundred examples, as `probe.answer` takes them; with fewer than a layer has units,
            CKA comes out too high.
        only, others: names or patterns of layers of the two.

    Raises:
        UsageError: no such layer, or fewer than two examples.
    """
    if len(x) < 2:
        raise UsageError("Layers are compared by at least two examples, better by some hundred.")
    rows = _kernels(model, x, only)
    columns = _kernels(other, x, others)
    a, b = (torch.stack([*of.values()]).flatten(1) for of in (rows, columns))
    a, b = (of / of.norm(dim=1, keepdim=True) for of in (a, b))
    return Agreement(tuple(rows), tuple(columns), (a @ b.T).float())


def _kernels(model: nn.Module, x: Any, only: Sequence[str]) -> dict[str, Float[Tensor, "n n"]]:
    """The Gram matrix of each layer's centred outputs over the examples."""
    kernels: dict[str, Tensor] = {}

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        z = y.flatten(1).double()
        z = z - z[0]  # equal answers become zeros, not what rounding leaves of them
        z = z - z.mean(0)
        kernels[name] = (z @ z.T).cpu()

    with torch.no_grad(), resting(model), hooked(layers(model, only), note):
        call_on_copy(model, x)
    return kernels
