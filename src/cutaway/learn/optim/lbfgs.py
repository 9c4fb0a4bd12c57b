"""L-BFGS for weights in any order of memory."""

from torch import Tensor
from torch.optim import LBFGS

from cutaway.learn.optim.closure import Closure


class AnyOrderLBFGS(LBFGS):
    """PyTorch's, which takes gradients as vectors, and so wants them contiguous.

    Source: Nocedal 1980; Liu and Nocedal 1989.
    """

    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        def contiguous() -> Tensor:
            loss = closure()
            for p in closure.parameters:
                p.grad = None if p.grad is None else p.grad.contiguous()
            return loss

        loss: Tensor = super().step(contiguous)  # type: ignore[no-untyped-call]
        return loss
