"""Optimizers that move all weights together, as one vector w."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.randomness import generator


class VectorOptimizer(torch.optim.Optimizer):
    """Base of these optimizers; each has a `step(closure)` with a `Closure`.

    Attributes:
        parameters: those that move.
        memory: state that a step leaves for the next one: tensors and numbers.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        super().__init__(params, defaults)
        assert len(self.param_groups) == 1, "all weights move together"
        self.parameters: list[nn.Parameter] = self.param_groups[0]["params"]
        self.size = sum(p.numel() for p in self.parameters)

    @property
    def memory(self) -> dict[str, Any]:
        state: dict[str, Any] = self.state[self.parameters[0]]
        return state

    def option(self, name: str) -> Any:
        return self.param_groups[0][name]

    def read(self) -> Float[Tensor, " n"]:
        """A copy of the weights."""
        return torch.cat([p.detach().reshape(-1) for p in self.parameters])

    @torch.no_grad()
    def write(self, w: Float[Tensor, " n"]) -> None:
        """Put the weights at w."""
        parts = w.split([p.numel() for p in self.parameters])
        for p, part in zip(self.parameters, parts, strict=True):
            p.copy_(part.view_as(p))

    def draws(self) -> torch.Generator:
        """The stream of this step's random numbers."""
        return generator(self.option("seed"), "optimizer", self.memory["step"])


def require(condition: bool, sentence: str) -> None:
    """Refuse an option's value, as PyTorch's optimizers do."""
    if not condition:
        raise ValueError(sentence)
