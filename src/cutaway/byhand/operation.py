"""The base class of operations, each with its own share of the chain rule."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, TypeVar

from torch import Tensor

Gradient = Tensor | Callable[[], Tensor] | None
"""dJ/dx; a function computes one only where it is needed; None: there is none."""


@dataclass(frozen=True)
class Operation:
    """y = f(x_1, ..., x_n); from g = dJ/dy its backward equation gives each dJ/dx_i.

    Inputs are whatever the node hangs on: what comes from below, and parameters. So this is the
    text's generic layer: three things in (input, parameters, gradient from above), three out
    (output, gradient to below, gradient of the parameters).

    A subclass's settings are its fields, named as PyTorch names them; its
    documentation begins with a paragraph of its equations, which is what a reader is shown.

    Source: lecture notes on statistics, week 4, p. 25 to 30.

    Attributes:
        differentiable: whether gradients go through it.
    """

    differentiable: ClassVar[bool] = True

    @property
    def random(self) -> bool:
        """Whether y is random."""
        return False

    def forward(self, *x: Any) -> Tensor:
        """y."""
        raise NotImplementedError

    def backward(self, g: Tensor, y: Tensor, *x: Any) -> tuple[Gradient, ...]:
        """For each input the gradient of J, g being that of y."""
        raise NotImplementedError

    def flops(self, y: Tensor, *x: Any) -> int:
        """Floating-point operations of `forward`; a multiplication and an addition are two."""
        return y.numel()

    @classmethod
    def max_inputs(cls) -> float:
        """The largest number of inputs."""
        parameters = list(inspect.signature(cls.forward).parameters.values())[1:]
        return inf if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(parameters)

    @classmethod
    def equations(cls) -> str:
        """The equation of the value, then those of the gradients."""
        return " ".join((inspect.getdoc(cls) or "").split("\n\n", 1)[0].split())


Kind = TypeVar("Kind", bound=type[Operation])

OPERATIONS: dict[str, type[Operation]] = {}
"""The operation for each name of PyTorch's operator library."""


def spelled(*targets: str) -> Callable[[Kind], Kind]:
    """Register a class under the names that PyTorch's exported graphs have for it, without `aten.`.

    Arguments that are tensors become inputs, the others fields of the same name.
    """

    def enter(kind: Kind) -> Kind:
        OPERATIONS.update({f"aten.{target}": kind for target in targets})
        return kind

    return enter


def over(g: Tensor, x: Tensor) -> Tensor:
    """The gradient of an input that was broadcast: the sum over what was repeated."""
    return g.sum_to_size(x.shape)


def wide(value: Tensor, x: Tensor) -> Tensor:
    """Reshape one number per channel to broadcast with x (b, c, *grid)."""
    return value.view(-1, *(1,) * (x.ndim - 2))


def others(x: Tensor) -> tuple[int, ...]:
    """The axes of x (b, c, *grid) except that of the channels."""
    return 0, *range(2, x.ndim)
