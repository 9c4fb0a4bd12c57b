"""Sums of products: affine layers, matrix products, and any contraction."""

from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor, einsum

from cutaway.byhand.operation import Gradient, Operation, over, spelled
from cutaway.errors import UsageError


@spelled("linear.default")
@dataclass(frozen=True)
class Affine(Operation):
    """s = U z + u_0;  dJ/dz = U' g,  dJ/dU = g z',  dJ/du_0 = g

    Equation 4.4 and, with g = -delta, the sum of 4.8 and 4.7 = 4.9, for all samples at once: z has
    a row a sample, and the gradients of the parameters are sums over the samples.
    """

    def forward(self, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> Tensor:
        s = z @ u.T
        return s if u_0 is None else s + u_0

    def backward(
        self, g: Tensor, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None
    ) -> tuple[Gradient, ...]:
        rows = g.reshape(-1, g.shape[-1]), z.reshape(-1, z.shape[-1])
        return lambda: g @ u, lambda: rows[0].T @ rows[1], lambda: rows[0].sum(0)

    def flops(self, s: Tensor, z: Tensor, u: Tensor, u_0: Tensor | None = None) -> int:
        return 2 * s.numel() * u.shape[1] + (0 if u_0 is None else s.numel())


@spelled("matmul.default", "mm.default", "bmm.default")
@dataclass(frozen=True)
class MatrixProduct(Operation):
    """C = A B;  dJ/dA = g B',  dJ/dB = A' g"""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a @ b

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        g = g if b.ndim > 1 else g.unsqueeze(-1)
        g = g if a.ndim > 1 else g.unsqueeze(-2)
        rows, columns = (a if a.ndim > 1 else a[None]), (b if b.ndim > 1 else b[:, None])
        return (
            lambda: over(g @ columns.mT, rows).reshape(a.shape),
            lambda: over(rows.mT @ g, columns).reshape(b.shape),
        )

    def flops(self, y: Tensor, a: Tensor, b: Tensor) -> int:
        return 2 * y.numel() * a.shape[-1]


@spelled("einsum.default")
@dataclass(frozen=True)
class Contraction(Operation):
    """y = sum of products over the letters that y lacks;  dJ/dx_i = the same sum with g for x_i

    A letter of x_i that stands nowhere else has its gradient repeated along it.
    """

    equation: str = ""

    def forward(self, *x: Tensor) -> Tensor:
        names, output = self._letters()
        return einsum(f"{','.join(names)}->{output}", *x)

    def backward(self, g: Tensor, y: Tensor, *x: Tensor) -> tuple[Gradient, ...]:
        names, output = self._letters()

        def without(i: int) -> Tensor:
            others, values = [*names[:i], output, *names[i + 1 :]], [*x[:i], g, *x[i + 1 :]]
            if set(names[i]) - set("".join(others)):
                others, values = [*others, names[i]], [*values, torch.ones_like(x[i])]
            return over(einsum(f"{','.join(others)}->{names[i]}", *values), x[i])

        return tuple(partial(without, i) for i in range(len(x)))

    def _letters(self) -> tuple[list[str], str]:
        """The letters of each input, and those of y; by default all that occur once, in order."""
        inputs, arrow, output = self.equation.replace(" ", "").partition("->")
        names = inputs.split(",")
        if any(part.count(letter) > 1 for part in names for letter in part if letter != "."):
            raise UsageError(
                f"The einsum '{self.equation}' has a letter twice in one input, which has no "
                "gradient by hand: take the diagonal with other operations first."
            )
        once = "".join(sorted(k for k in set(inputs) - {*",."} if inputs.count(k) == 1))
        return names, output if arrow else ("..." if "." in inputs else "") + once

    def flops(self, y: Tensor, *x: Tensor) -> int:
        names, output = self._letters()
        sides: dict[str, int] = {}
        for part, value in zip(names, x, strict=True):
            for k, letter in enumerate(part):  # behind an ellipsis, axes count from the last
                side = value.shape[k - len(part) if "." in part[:k] else k] if letter != "." else 1
                sides[letter] = max(side, sides.get(letter, 1))
        return len(x) * y.numel() * prod(n for k, n in sides.items() if k not in output)
