"""Statistics of a watched training, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.see.sketch import POINTS

FIGURES = ("mean", "spread", "idle")
"""Statistics of a layer's values besides their quantiles."""
NORMS = ("weight", "gradient", "update")
ARRAYS = ("activations", "gradients", "norms")
WIDTH = len(FIGURES) + POINTS


@dataclass(frozen=True)
class Fault:
    """The first value that was not finite.

    Attributes:
        step: the watched step in which it was met.
        layer: the name of the layer that made it.
        operation: what was computed there.
        sample: which example of the batch it belongs to.
    """

    step: int
    layer: str
    operation: str
    sample: int

    def __str__(self) -> str:
        return (
            f"step {self.step}: {self.operation} of '{self.layer}' is not finite, first for "
            f"example {self.sample} of the batch"
        )


@dataclass(frozen=True)
class Watched:
    """Statistics of r watched steps, l layers and p parameter tensors; NaN: not met in that step.

    Attributes:
        steps: numbers of the steps, from 1.
        layers: names; what is called a second time in a step is `NAME (2)`.
        parameters: names of weights and biases.
        activations, gradients: of each layer's output, and of the loss by it: mean, spread
            (standard deviation), the share of units that are zero for every example (of ReLUs),
            then 65 quantiles.
        norms: Euclidean, of the weights before the step, of their gradient, and of what the step
            changed.
        fault: the first number that was not finite, if there was one.
    """

    steps: list[int]
    layers: list[str]
    parameters: list[str]
    activations: Float[Tensor, "r l 68"]
    gradients: Float[Tensor, "r l 68"]
    norms: Float[Tensor, "r p 3"]
    fault: Fault | None = None

    def figure(self, name: str, of: str = "activations") -> Float[Tensor, "r l"]:
        """`mean`, `spread` or `idle` at each step and layer."""
        values: Tensor = getattr(self, of)[..., FIGURES.index(name)]
        return values

    def quantiles(self, of: str = "activations") -> Float[Tensor, "r l 65"]:
        """The values at shares 0, 1/64, ... 1."""
        values: Tensor = getattr(self, of)[..., len(FIGURES) :]
        return values

    def share_beyond(self, low: float, high: float) -> Float[Tensor, "r l"]:
        """The share of activations below `low` or above `high`, to a 64th.

        With the bounds of a sigmoid or tanh, drawn in a little, this is how far it is saturated.
        """
        q = self.quantiles()
        share: Tensor = ((q < low) | (q > high)).float().mean(-1)
        return share.where(q[..., 0].isfinite(), torch.nan)

    def norm(self, name: str) -> Float[Tensor, "r p"]:
        """`weight`, `gradient` or `update` of each parameter tensor."""
        values: Tensor = self.norms[..., NORMS.index(name)]
        return values

    def parts(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Its arrays and its facts, for a file; `of` reads them."""
        facts = asdict(self)
        return {name: facts.pop(name) for name in ARRAYS}, facts

    @classmethod
    def of(cls, arrays: Mapping[str, Tensor], facts: Mapping[str, Any]) -> "Watched":
        """Read what `parts` gave."""
        fault = facts["fault"] and Fault(**facts["fault"])
        values: dict[str, Any] = {**facts, **arrays, "fault": fault}
        return cls(**values)

    def moments(self) -> list["Watched"]:
        """Its steps one by one."""
        return [
            replace(self, steps=[step], **{name: getattr(self, name)[i : i + 1] for name in ARRAYS})
            for i, step in enumerate(self.steps)
        ]

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, name).nbytes for name in ARRAYS)

    @property
    def ratio(self) -> Float[Tensor, "r p"]:
        """The norm of each update over that of the weights; near 0.001 where learning goes well."""
        return self.norm("update") / self.norm("weight")


def concatenate(parts: Sequence[Watched], fault: Fault | None = None) -> Watched:
    """Steps as one; layers and parameters in the order in which they first occurred."""
    layers, parameters = (
        list(dict.fromkeys(name for one in parts for name in getattr(one, kind)))
        for kind in ("layers", "parameters")
    )
    return Watched(
        [step for one in parts for step in one.steps],
        layers,
        parameters,
        _joined([(one.layers, one.activations) for one in parts], layers, WIDTH),
        _joined([(one.layers, one.gradients) for one in parts], layers, WIDTH),
        _joined([(one.parameters, one.norms) for one in parts], parameters, len(NORMS)),
        fault,
    )


def _joined(
    parts: Sequence[tuple[list[str], Tensor]], names: list[str], width: int
) -> Float[Tensor, "r n k"]:
    """Blocks one under the other, NaN where a name did not occur."""
    blocks = [torch.zeros(0, len(names), width)]
    for own, values in parts:
        if own == names:
            blocks.append(values)
        else:
            wider = torch.full((len(values), len(names), width), torch.nan)
            wider[:, [names.index(name) for name in own]] = values
            blocks.append(wider)
    return torch.cat(blocks)
