"""Activation functions: z = tau(s), and dJ/ds = tau'(s) g (equation 4.8)."""

from dataclasses import dataclass
from functools import cache
from math import pi, sqrt

import torch
from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled


@spelled("relu.default")
@dataclass(frozen=True)
class ReLU(Operation):
    """z = max(0, s);  dJ/ds = g [s > 0]"""

    def forward(self, s: Tensor) -> Tensor:
        return s.clamp(min=0)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * (s > 0),)


@spelled("leaky_relu.default")
@dataclass(frozen=True)
class LeakyReLU(Operation):
    """z = s where s > 0, else a s;  dJ/ds = g where s > 0, else a g"""

    negative_slope: float = 0.01

    def forward(self, s: Tensor) -> Tensor:
        return torch.where(s > 0, s, self.negative_slope * s)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (torch.where(s > 0, g, self.negative_slope * g),)


@spelled("hardtanh.default")
@dataclass(frozen=True)
class HardTanh(Operation):
    """z = s within min..max, else the nearer end;  dJ/ds = g [min < s < max]"""

    min_val: float = -1.0
    max_val: float = 1.0

    def forward(self, s: Tensor) -> Tensor:
        return s.clamp(self.min_val, self.max_val)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * ((s > self.min_val) & (s < self.max_val)),)


@spelled("relu6.default")
@dataclass(frozen=True)
class ReLU6(HardTanh):
    """z = s within 0..6, else the nearer end;  dJ/ds = g [0 < s < 6]"""

    min_val: float = 0.0
    max_val: float = 6.0


@cache
def slope_at_a_bound() -> float:
    """Autograd's derivative of clamp where s is the bound: 1 in PyTorch up to 2.13, 0 from 2.14 on.
    It is measured, not looked up by version."""
    with torch.inference_mode(False), torch.enable_grad():
        s = torch.zeros((), device="cpu", requires_grad=True)
        (slope,) = torch.autograd.grad(s.clamp(min=0), s)
    return slope.item()


@spelled("clamp.default")
@dataclass(frozen=True)
class Clamp(Operation):
    """z = s within min..max, else the nearer end;  dJ/ds = g [min < s < max], at an end g b

    b is 0 or 1, whichever the PyTorch that runs takes (`slope_at_a_bound`).
    """

    min: float | None = None
    max: float | None = None

    def forward(self, s: Tensor) -> Tensor:
        return s.clamp(self.min, self.max)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        within = (torch.ge, torch.le) if slope_at_a_bound() else (torch.gt, torch.lt)
        for test, end in zip(within, (self.min, self.max), strict=True):
            if end is not None:
                g = g * test(s, end)
        return (g,)


@spelled("sigmoid.default")
@dataclass(frozen=True)
class Sigmoid(Operation):
    """z = 1 / (1 + e^-s);  dJ/ds = g z (1 - z)"""

    def forward(self, s: Tensor) -> Tensor:
        return s.sigmoid()

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * z * (1 - z),)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 3 * z.numel()


@spelled("tanh.default")
@dataclass(frozen=True)
class Tanh(Operation):
    """z = tanh(s);  dJ/ds = g (1 - z^2)"""

    def forward(self, s: Tensor) -> Tensor:
        return s.tanh()

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * (1 - z * z),)


@spelled("gelu.default")
@dataclass(frozen=True)
class GELU(Operation):
    """z = s P(s);  dJ/ds = g (P(s) + s P'(s)), P the normal distribution's cumulative function

    With `approximate` 'tanh', P(s) = (1 + tanh(a)) / 2, a = sqrt(2 / pi) (s + 0.044715 s^3).
    Source: Hendrycks and Gimpel 2016, section 2.
    """

    approximate: str = "none"

    def forward(self, s: Tensor) -> Tensor:
        return s * self._cumulative(s)[0]

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        p, slope = self._cumulative(s)
        return (g * (p + s * slope),)

    def _cumulative(self, s: Tensor) -> tuple[Tensor, Tensor]:
        if self.approximate == "none":
            return (1 + (s / sqrt(2)).erf()) / 2, (-s * s / 2).exp() / sqrt(2 * pi)
        t = (sqrt(2 / pi) * (s + 0.044715 * s**3)).tanh()
        return (1 + t) / 2, (1 - t * t) / 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * s * s)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 5 * z.numel()


@spelled("silu.default")
@dataclass(frozen=True)
class SiLU(Operation):
    """z = s / (1 + e^-s);  dJ/ds = g (q + z (1 - q)), q = 1 / (1 + e^-s)"""

    def forward(self, s: Tensor) -> Tensor:
        return s * s.sigmoid()

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        q = s.sigmoid()
        return (g * (q + z * (1 - q)),)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 4 * z.numel()


@spelled("hardsigmoid.default")
@dataclass(frozen=True)
class HardSigmoid(Operation):
    """z = s / 6 + 1/2 within 0..1, else the nearer end;  dJ/ds = g / 6 [-3 < s < 3]"""

    def forward(self, s: Tensor) -> Tensor:
        return (s / 6 + 0.5).clamp(0, 1)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g / 6 * (s.abs() < 3),)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 4 * z.numel()


@spelled("hardswish.default")
@dataclass(frozen=True)
class HardSwish(Operation):
    """z = s q;  dJ/ds = g (q + s / 6 [-3 < s < 3]);  q = s / 6 + 1/2 within 0..1, or the nearer end

    Source: Howard et al. 2019, 'Searching for MobileNetV3', section 5.2.
    """

    def forward(self, s: Tensor) -> Tensor:
        return s * (s / 6 + 0.5).clamp(0, 1)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * ((s / 6 + 0.5).clamp(0, 1) + s / 6 * (s.abs() < 3)),)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 5 * z.numel()


@spelled("softplus.default")
@dataclass(frozen=True)
class Softplus(Operation):
    """z = log(1 + e^(b s)) / b;  dJ/ds = g / (1 + e^(-b s))

    Above `threshold` / b it is s itself, as in PyTorch.
    """

    beta: float = 1.0
    threshold: float = 20.0

    def forward(self, s: Tensor) -> Tensor:
        bent = torch.logaddexp(self.beta * s, torch.zeros_like(s)) / self.beta
        return torch.where(self.beta * s > self.threshold, s, bent)

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        straight = self.beta * s > self.threshold
        return (torch.where(straight, g, g * (self.beta * s).sigmoid()),)

    def flops(self, z: Tensor, s: Tensor) -> int:
        return 3 * z.numel()


@spelled("sin.default")
@dataclass(frozen=True)
class Sine(Operation):
    """z = sin(s);  dJ/ds = g cos(s)"""

    def forward(self, s: Tensor) -> Tensor:
        return s.sin()

    def backward(self, g: Tensor, z: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g * s.cos(),)
