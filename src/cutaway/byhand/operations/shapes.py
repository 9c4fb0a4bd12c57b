"""Operations that move numbers without changing them: shape, order, parts, copies.

Each is a matrix of zeros and ones, so its gradient is the transpose: what was moved moves back,
what was left out gets nothing, what was copied gets the sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, over, spelled


@dataclass(frozen=True)
class Move(Operation):
    """y = the numbers of x, elsewhere;  dJ/dx = those of g, back"""

    def flops(self, y: Tensor, *x: Any) -> int:
        return 0


@dataclass(frozen=True)
class _Reshape(Move):
    """y = x in another shape;  dJ/dx = g in the shape of x"""

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g.reshape(x.shape),)


@spelled("alias.default", "clone.default", "contiguous.default", "lift_fresh_copy.default")
@dataclass(frozen=True)
class Identity(_Reshape):
    """y = x;  dJ/dx = g"""

    def forward(self, x: Tensor) -> Tensor:
        return x


@spelled("flatten.using_ints")
@dataclass(frozen=True)
class Flatten(_Reshape):
    """y = x with axes made one;  dJ/dx = g in the shape of x"""

    start_dim: int = 0
    end_dim: int = -1

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)


@spelled("view.default", "reshape.default")
@dataclass(frozen=True)
class Reshape(_Reshape):
    """y = x in another shape;  dJ/dx = g in the shape of x"""

    size: Sequence[int] = ()
    shape: Sequence[int] = ()

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(tuple(self.size or self.shape))


@spelled("unflatten.int")
@dataclass(frozen=True)
class Unflatten(_Reshape):
    """y = x with an axis made several;  dJ/dx = g in the shape of x"""

    dim: int = 1
    sizes: Sequence[int] = ()

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(self.dim, tuple(self.sizes))


@spelled("squeeze.default", "squeeze.dim", "squeeze.dims")
@dataclass(frozen=True)
class Squeeze(_Reshape):
    """y = x without axes of length 1;  dJ/dx = g in the shape of x"""

    dim: int | Sequence[int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.dim is None:
            return x.squeeze()
        return x.squeeze(self.dim if isinstance(self.dim, int) else tuple(self.dim))


@spelled("unsqueeze.default")
@dataclass(frozen=True)
class Unsqueeze(_Reshape):
    """y = x with one more axis;  dJ/dx = g in the shape of x"""

    dim: int = 0

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(self.dim)


@spelled("expand.default")
@dataclass(frozen=True)
class Expand(Move):
    """y = x repeated along axes;  dJ/dx = sum of g over the copies"""

    size: Sequence[int] = ()

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(tuple(self.size))

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (over(g, x),)


@spelled("permute.default")
@dataclass(frozen=True)
class Permute(Move):
    """y = x with its axes in another order;  dJ/dx = g with them in order again"""

    dims: Sequence[int] = ()

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(tuple(self.dims))

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        order = [d % x.ndim for d in self.dims]
        return (g.permute(tuple(order.index(d) for d in range(x.ndim))),)


@spelled("transpose.int", "t.default")
@dataclass(frozen=True)
class Transpose(Move):
    """y = x';  dJ/dx = g'"""

    dim0: int = 0
    dim1: int = -1

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(self.dim0, self.dim1) if x.ndim > 1 else x

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (self.forward(g),)


@spelled("numpy_T.default")
@dataclass(frozen=True)
class Reverse(Move):
    """y = x with its axes in reverse order;  dJ/dx = g with its own"""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(tuple(reversed(range(x.ndim))))

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (self.forward(g),)


@spelled("cat.default")
@dataclass(frozen=True)
class Concatenate(Move):
    """y = [x_1, x_2, ...];  dJ/dx_i = its part of g"""

    dim: int = 0

    def forward(self, *x: Tensor) -> Tensor:
        return torch.cat(x, self.dim)

    def backward(self, g: Tensor, y: Tensor, *x: Tensor) -> tuple[Gradient, ...]:
        return g.split([part.shape[self.dim] for part in x], self.dim)


@spelled("stack.default")
@dataclass(frozen=True)
class Stack(Move):
    """y = x_1, x_2, ... along a new axis;  dJ/dx_i = its part of g"""

    dim: int = 0

    def forward(self, *x: Tensor) -> Tensor:
        return torch.stack(x, self.dim)

    def backward(self, g: Tensor, y: Tensor, *x: Tensor) -> tuple[Gradient, ...]:
        return g.unbind(self.dim)
