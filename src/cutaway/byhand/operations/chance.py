"""Random operations, and those without a gradient.

A mask or a noise is a node of its own: it can be looked at, kept or set, and to the chain rule it
is a constant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation

DRAWS = {"randn", "randn_like", "rand", "rand_like", "bernoulli"}
"""PyTorch's functions whose result is random."""


@dataclass(frozen=True)
class Constant(Operation):
    """y = what PyTorch gives;  no gradient

    Args:
        call: its function of the inputs.
        name: what it is called.
    """

    differentiable: ClassVar[bool] = False

    call: Callable[..., Tensor]
    name: str = ""

    @property
    def random(self) -> bool:
        return self.name in DRAWS

    def forward(self, *x: Any) -> Tensor:
        return self.call(*x)

    def backward(self, g: Tensor, y: Tensor, *x: Any) -> tuple[Gradient, ...]:
        return (None,) * len(x)


@dataclass(frozen=True)
class DropoutMask(Operation):
    """m = 1 / (1 - p) with probability 1 - p, else 0;  no gradient

    For a whole map at once where `maps`. Source: Srivastava et al. 2014, section 4.
    """

    differentiable: ClassVar[bool] = False

    p: float = 0.5
    maps: bool = False

    @property
    def random(self) -> bool:
        return True

    def forward(self, x: Tensor) -> Tensor:
        like = x[:, :, *(slice(0, 1),) * (x.ndim - 2)] if self.maps else x
        if self.p == 1:
            return torch.zeros_like(like)
        return torch.empty_like(like).bernoulli_(1 - self.p) / (1 - self.p)

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (None,)
