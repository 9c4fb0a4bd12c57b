"""What one node computes, and its own share of the chain rule."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, TypeVar

from torch import Tensor

Gradient = Tensor | Callable[[], Tensor] | None
"""dJ/dx; a function gives one that costs something only where it is wanted; None: there is none."""


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
    def drawn(self) -> bool:
        """Whether y is by chance."""
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
    def most(cls) -> float:
        """How many inputs it takes."""
        taken = list(inspect.signature(cls.forward).parameters.values())[1:]
        return inf if any(p.kind is p.VAR_POSITIONAL for p in taken) else len(taken)

    @classmethod
    def equations(cls) -> str:
        """How it is computed, then how its gradient is."""
        return " ".join((inspect.getdoc(cls) or "").split("\n\n", 1)[0].split())


Kind = TypeVar("Kind", bound=type[Operation])

SPELLINGS: dict[str, type[Operation]] = {}
"""Which operation is meant by a name of PyTorch's operator library."""


def spelled(*targets: str) -> Callable[[Kind], Kind]:
    """Enter a class under the names that PyTorch's exported graphs have for it, without `aten.`.

    Arguments that are tensors become inputs, the others fields of the same name.
    """

    def enter(kind: Kind) -> Kind:
        SPELLINGS.update({f"aten.{target}": kind for target in targets})
        return kind

    return enter


def over(g: Tensor, x: Tensor) -> Tensor:
    """The gradient of an input that was repeated to fit the others: sums over what was repeated."""
    return g.sum_to_size(x.shape)


def wide(value: Tensor, x: Tensor) -> Tensor:
    """A number a channel, beside x (b, c, *grid)."""
    return value.view(-1, *(1,) * (x.ndim - 2))


def others(x: Tensor) -> tuple[int, ...]:
    """The axes of x (b, c, *grid) but that of the channels."""
    return 0, *range(2, x.ndim)
