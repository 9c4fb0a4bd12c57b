"""What a scope has seen, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.see.sketch import POINTS

FIGURES = ("mean", "spread", "idle")
"""What is known of a layer's values besides their quantiles."""
NORMS = ("weight", "gradient", "update")
ARRAYS = ("activations", "gradients", "norms")


@dataclass(frozen=True)
class Fault:
    """The first number that was not finite.

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
        found: Tensor = getattr(self, of)[..., FIGURES.index(name)]
        return found

    def quantiles(self, of: str = "activations") -> Float[Tensor, "r l 65"]:
        """The values at shares 0, 1/64, ... 1."""
        found: Tensor = getattr(self, of)[..., len(FIGURES) :]
        return found

    def share_beyond(self, low: float, high: float) -> Float[Tensor, "r l"]:
        """The share of activations below `low` or above `high`, to a 64th.

        With the bounds of a sigmoid or tanh, drawn in a little, this is how far it is saturated.
        """
        q = self.quantiles()
        share: Tensor = ((q < low) | (q > high)).float().mean(-1)
        return share.where(q[..., 0].isfinite(), torch.nan)

    def norm(self, name: str) -> Float[Tensor, "r p"]:
        """`weight`, `gradient` or `update` of each parameter tensor."""
        found: Tensor = self.norms[..., NORMS.index(name)]
        return found

    def parts(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Its arrays and its facts, for a file; `of` reads them."""
        facts = asdict(self)
        return {name: facts.pop(name) for name in ARRAYS}, facts

    @classmethod
    def of(cls, arrays: Mapping[str, Tensor], facts: Mapping[str, Any]) -> "Watched":
        """What `parts` gave."""
        fault = facts["fault"] and Fault(**facts["fault"])
        values: dict[str, Any] = {**facts, **arrays, "fault": fault}
        return cls(**values)

    def moments(self) -> list["Moment"]:
        """Its steps one by one."""
        tables = ((self.activations, self.layers), (self.gradients, self.layers))
        named = [
            [_met(row, names) for row in table]
            for table, names in (*tables, (self.norms, self.parameters))
        ]
        return [Moment(*one) for one in zip(self.steps, *named, strict=True)]

    @property
    def ratio(self) -> Float[Tensor, "r p"]:
        """The norm of each update over that of the weights; near 0.001 where learning goes well."""
        return self.norm("update") / self.norm("weight")


@dataclass(frozen=True)
class Moment:
    """One watched step: a row of figures by the name of the layer or the parameter."""

    step: int
    activations: Mapping[str, Float[Tensor, "68"]]
    gradients: Mapping[str, Float[Tensor, "68"]]
    norms: Mapping[str, Float[Tensor, "3"]]

    @property
    def nbytes(self) -> int:
        rows = (*self.activations.values(), *self.gradients.values(), *self.norms.values())
        return sum(row.nbytes for row in rows)


def together(moments: Sequence[Moment], fault: Fault | None = None) -> Watched:
    """The moments as arrays; layers in the order in which they were first met."""
    layers = list(dict.fromkeys(name for one in moments for name in one.activations))
    parameters = list(dict.fromkeys(name for one in moments for name in one.norms))
    width = len(FIGURES) + POINTS
    return Watched(
        [one.step for one in moments],
        layers,
        parameters,
        _array([one.activations for one in moments], layers, width),
        _array([one.gradients for one in moments], layers, width),
        _array([one.norms for one in moments], parameters, len(NORMS)),
        fault,
    )


def _met(row: Float[Tensor, "n k"], names: Sequence[str]) -> dict[str, Tensor]:
    return {name: of for name, of in zip(names, row, strict=True) if not of.isnan().all()}


def _array(
    rows: Sequence[Mapping[str, Tensor]], names: Sequence[str], width: int
) -> Float[Tensor, "r n k"]:
    nothing = torch.full((width,), torch.nan)
    found = [torch.stack([row.get(name, nothing) for name in names]) for row in rows if names]
    return torch.stack(found) if found else torch.zeros(len(rows), len(names), width)
