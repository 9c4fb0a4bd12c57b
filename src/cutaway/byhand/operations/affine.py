"""Sums of products: affine layers, matrix products, and any contraction."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, einsum

from cutaway.byhand.operation import Gradient, Operation, over, spelled


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
        rows = g.flatten(0, -2), z.flatten(0, -2)
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

    Every letter of an input stands in y or in another input, and none twice in one input.
    """

    equation: str = ""

    def forward(self, *x: Tensor) -> Tensor:
        return einsum(self.equation, *x)

    def backward(self, g: Tensor, y: Tensor, *x: Tensor) -> tuple[Gradient, ...]:
        inputs, output = self.equation.split("->")
        names = inputs.split(",")

        def without(i: int) -> Tensor:
            others = [*names[:i], output, *names[i + 1 :]]
            return einsum(f"{','.join(others)}->{names[i]}", *x[:i], g, *x[i + 1 :])

        return tuple(partial(without, i) for i in range(len(x)))

    def flops(self, y: Tensor, *x: Tensor) -> int:
        inputs, _ = self.equation.split("->")
        sizes = {
            letter: n
            for names, value in zip(inputs.split(","), x, strict=True)
            for letter, n in zip(names.strip(), value.shape, strict=True)
        }
        total = len(x)
        for n in sizes.values():
            total *= n
        return total
