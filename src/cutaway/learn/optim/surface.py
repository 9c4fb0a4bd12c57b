"""The loss about the present weights: its value, its gradient and its curvature."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import grad
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cutaway.errors import UsageError
from cutaway.learn.optim.closure import Closure

KINDS = ("hessian", "gauss-newton")
CONVEX = {
    F.cross_entropy, F.nll_loss, F.mse_loss, F.binary_cross_entropy_with_logits,
    F.binary_cross_entropy, F.poisson_nll_loss, F.soft_margin_loss,
}  # fmt: skip
"""Losses of torch.nn.functional that are convex in their first argument."""
ROWS = 64
"""Rows of a curvature matrix that are computed at once."""


class Surface:
    """The loss at w, differentiable twice: f, g, and products B v with its curvature B.

    B is the Hessian H (Pearlmutter 1994: H v is the gradient of g . v), or the Gauss-Newton matrix
    G = J' H_L J with J the derivative of the network's outputs and H_L the loss's Hessian in them
    (Schraudolph 2002), which is never indefinite.

    Attributes:
        f: the loss.
        g: its gradient, all parameters in one vector.

    Raises:
        UsageError: a loss whose outputs are not known, or a layer that cannot be differentiated
            twice.
    """

    def __init__(self, closure: Closure, parameters: Sequence[nn.Parameter], kind: str):
        self.closure, self.parameters = closure, list(parameters)
        with _Outputs() as noted:
            loss = closure.loss()
        closure.evaluations.gradients += 1
        self.f = loss.item()
        self._g = self._down(loss, create_graph=True)
        self.g = self._g.detach()
        self._forward = self._hessian
        if kind == "gauss-newton":
            self._split(loss, noted.outputs)
            self._forward = self._gauss_newton

    def _split(self, loss: Tensor, outputs: list[Tensor]) -> None:
        if not outputs:
            raise UsageError(
                "Gauss-Newton products need a loss that is convex in the network's outputs, one of "
                "torch.nn.functional (cross_entropy, mse_loss, ...), and this task has none: take "
                "--optimizer newton-cg or l-bfgs."
            )
        self._z = outputs
        self._dz = grad(loss, outputs, create_graph=True)
        self._u = [torch.zeros_like(z, requires_grad=True) for z in outputs]
        self._back = self._down(outputs, self._u, create_graph=True)

    def product(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """B v."""
        self.closure.evaluations.products += 1
        return self._forward(v, False)

    def matrix(self) -> Float[Tensor, "n n"]:
        """B, a product a row; symmetric."""
        n = len(self.g)
        rows = torch.empty(n, n, dtype=self.g.dtype, device=self.g.device)
        for start in range(0, n, ROWS):
            size = min(ROWS, n - start)
            v = torch.zeros(size, n, dtype=self.g.dtype, device=self.g.device)
            v[:, start : start + size].fill_diagonal_(1.0)
            rows[start : start + size] = self._forward(v, True)
            self.closure.evaluations.products += size
        return rows.add_(rows.T.clone()).div_(2)

    def _hessian(self, v: Tensor, many: bool) -> Tensor:
        if not self._g.requires_grad:  # the loss is linear
            return torch.zeros_like(v)
        return self._down(self._g, v, is_grads_batched=many)

    def _gauss_newton(self, v: Tensor, many: bool) -> Tensor:
        options: Any = {"retain_graph": True, "materialize_grads": True, "is_grads_batched": many}
        jv = grad(self._back, self._u, v, **options)  # J v, since J' u is linear in u
        if not any(dz.requires_grad for dz in self._dz):
            return torch.zeros_like(v)
        hjv = grad(self._dz, self._z, jv, **options)
        return self._down(self._z, hjv, is_grads_batched=many)

    def _down(self, outputs: Any, vectors: Any = None, **options: Any) -> Tensor:
        """Gradients with respect to all parameters, in one vector (or in rows, for many)."""
        try:
            options |= {"retain_graph": True, "materialize_grads": True}
            gradients = grad(outputs, self.parameters, vectors, **options)
        except RuntimeError as error:
            if "not implemented" not in str(error):
                raise
            raise UsageError(
                f"This network cannot be differentiated twice ({str(error).splitlines()[0]}): take "
                "--optimizer l-bfgs, which needs gradients only."
            ) from None
        many = options.get("is_grads_batched", False)
        return torch.cat([part.flatten(1) if many else part.reshape(-1) for part in gradients], -1)


class _Outputs(TorchFunctionMode):
    """Notes what convex losses are given: the outputs of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in CONVEX and args[0].requires_grad:
            self.outputs.append(args[0])
        return func(*args, **(kwargs or {}))
