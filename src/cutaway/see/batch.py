"""A batch of several input tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Parts = tuple[Tensor, ...] | dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """The inputs of a model that takes more than one tensor; examples lie along the first axes.

    Attributes:
        parts: in the order in which the model takes them, or by its names for them.
    """

    parts: Parts

    def __len__(self) -> int:
        return len(next(iter(self.tensors)))

    def __getitem__(self, at: Any) -> "Batch":
        if isinstance(self.parts, Mapping):
            return Batch({name: one[at] for name, one in self.parts.items()})
        return Batch(tuple(one[at] for one in self.parts))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.parts.values()) if isinstance(self.parts, Mapping) else self.parts

    @property
    def device(self) -> torch.device:
        return self.tensors[0].device

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of examples only."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        return 1

    def numel(self) -> int:
        return sum(one.numel() for one in self.tensors)

    def split(self, size: int) -> tuple["Batch", ...]:
        """Split into batches of this many examples, the last one of the rest."""
        return tuple(self[i : i + size] for i in range(0, len(self), size))
