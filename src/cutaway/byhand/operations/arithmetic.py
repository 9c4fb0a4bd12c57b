"""Arithmetic, number by number. An input that is repeated to fit the other gets the sum."""

from dataclasses import dataclass

from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, over, spelled


@spelled("add.Tensor", "add.Scalar")
@dataclass(frozen=True)
class Add(Operation):
    """y = a + c b;  dJ/da = g,  dJ/db = c g

    Where paths part and meet again, as around a residual block, the gradient goes both ways.
    """

    alpha: float = 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + self.alpha * b if self.alpha != 1 else a + b

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        return lambda: over(g, a), lambda: over(self.alpha * g, b)


@spelled("sub.Tensor", "sub.Scalar")
@dataclass(frozen=True)
class Subtract(Operation):
    """y = a - c b;  dJ/da = g,  dJ/db = -c g"""

    alpha: float = 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a - self.alpha * b

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        return lambda: over(g, a), lambda: over(-self.alpha * g, b)


@spelled("rsub.Scalar", "rsub.Tensor")
@dataclass(frozen=True)
class SubtractFrom(Operation):
    """y = b - c a;  dJ/da = -c g,  dJ/db = g"""

    alpha: float = 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return b - self.alpha * a

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        return lambda: over(-self.alpha * g, a), lambda: over(g, b)


@spelled("mul.Tensor", "mul.Scalar")
@dataclass(frozen=True)
class Multiply(Operation):
    """y = a b;  dJ/da = g b,  dJ/db = g a"""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        return lambda: over(g * b, a), lambda: over(g * a, b)


@spelled("div.Tensor", "div.Scalar")
@dataclass(frozen=True)
class Divide(Operation):
    """y = a / b;  dJ/da = g / b,  dJ/db = -g y / b"""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a / b

    def backward(self, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Gradient, ...]:
        return lambda: over(g / b, a), lambda: over(-g * y / b, b)


@spelled("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
@dataclass(frozen=True)
class Where(Operation):
    """y = a where the condition c holds, else b;  dJ/da = g where it holds,  dJ/db = g elsewhere"""

    def forward(self, c: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return a.where(c, b)

    def backward(
        self, g: Tensor, y: Tensor, c: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Gradient, ...]:
        return None, lambda: over(g * c, a), lambda: over(g * ~c, b)


@spelled("pow.Tensor_Scalar")
@dataclass(frozen=True)
class Power(Operation):
    """y = x^n;  dJ/dx = g n x^(n - 1)"""

    exponent: float = 2

    def forward(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g * self.exponent * x ** (self.exponent - 1) if self.exponent else 0 * g,)


@spelled("square.default")
@dataclass(frozen=True)
class Square(Operation):
    """y = x^2;  dJ/dx = 2 g x"""

    def forward(self, x: Tensor) -> Tensor:
        return x * x

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (2 * g * x,)


@spelled("neg.default")
@dataclass(frozen=True)
class Negative(Operation):
    """y = -x;  dJ/dx = -g"""

    def forward(self, x: Tensor) -> Tensor:
        return -x

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (-g,)


@spelled("abs.default")
@dataclass(frozen=True)
class Absolute(Operation):
    """y = |x|;  dJ/dx = g sign(x)"""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g * x.sign(),)


@spelled("exp.default")
@dataclass(frozen=True)
class Exponential(Operation):
    """y = e^x;  dJ/dx = g y"""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g * y,)


@spelled("log.default")
@dataclass(frozen=True)
class Logarithm(Operation):
    """y = log x;  dJ/dx = g / x"""

    def forward(self, x: Tensor) -> Tensor:
        return x.log()

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g / x,)


@spelled("sqrt.default")
@dataclass(frozen=True)
class SquareRoot(Operation):
    """y = x^(1/2);  dJ/dx = g / (2 y)"""

    def forward(self, x: Tensor) -> Tensor:
        return x.sqrt()

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (g / (2 * y),)


@spelled("rsqrt.default")
@dataclass(frozen=True)
class InverseRoot(Operation):
    """y = x^(-1/2);  dJ/dx = -g y / (2 x)"""

    def forward(self, x: Tensor) -> Tensor:
        return x.rsqrt()

    def backward(self, g: Tensor, y: Tensor, x: Tensor) -> tuple[Gradient, ...]:
        return (-g * y / (2 * x),)
