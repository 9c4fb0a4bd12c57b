"""Softmax: scores to shares of one."""

from dataclasses import dataclass

from torch import Tensor

from cutaway.byhand.operation import Gradient, Operation, spelled


@spelled("softmax.int")
@dataclass(frozen=True)
class Softmax(Operation):
    """o_k = e^s_k / sum_j e^s_j;  dJ/ds = o (g - sum_k g_k o_k)"""

    dim: int = -1

    def forward(self, s: Tensor) -> Tensor:
        e = (s - s.amax(self.dim, keepdim=True)).exp()
        return e / e.sum(self.dim, keepdim=True)

    def backward(self, g: Tensor, o: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (o * (g - (g * o).sum(self.dim, keepdim=True)),)

    def flops(self, o: Tensor, s: Tensor) -> int:
        return 4 * o.numel()


@spelled("log_softmax.int")
@dataclass(frozen=True)
class LogSoftmax(Operation):
    """y_k = s_k - log sum_j e^s_j;  dJ/ds = g - e^y sum_k g_k"""

    dim: int = -1

    def forward(self, s: Tensor) -> Tensor:
        return s - s.logsumexp(self.dim, keepdim=True)

    def backward(self, g: Tensor, y: Tensor, s: Tensor) -> tuple[Gradient, ...]:
        return (g - y.exp() * g.sum(self.dim, keepdim=True),)

    def flops(self, y: Tensor, s: Tensor) -> int:
        return 4 * y.numel()
