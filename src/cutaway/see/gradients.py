"""The spectrum of single examples' gradients."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.landscape import trainable
from cutaway.see.probe import answer, resting

LIMIT = 1 << 30
"""Bytes of gradients that are kept at once."""


@dataclass(frozen=True)
class GradientSpectrum:
    """Statistics of n gradients, one per example.

    Attributes:
        values: eigenvalues of their covariance, the largest first; the others are zero.
        mean: squared length of their mean, the gradient that all agree on.
    """

    values: Float[Tensor, "n"]
    mean: float

    @property
    def noise_scale(self) -> float:
        """tr(covariance) / |mean|^2: the batch from which on averaging more helps little.

        Source: McCandlish et al. 2018, equation 2.9.
        """
        return self.values.sum().item() / self.mean if self.mean else math.inf


def gradient_spectrum(
    model: nn.Module,
    x: Any,
    t: Shaped[Tensor, "n *target"],
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    limit: int = LIMIT,
) -> GradientSpectrum:
    """The spectrum of the gradients' covariance (1 / n) sum of (g_i - g)(g_i - g)'.

    Its values are those of the n x n products of the centred gradients among each other, so that
    no matrix of weights by weights is made. Where the gradients of all weights are too many bytes,
    they are made for some of the weights after the other; each example goes forward and back as
    often. The model is at rest: normalisation does not mix the examples.

    Args:
        x: examples, a tensor or a `Batch` of several inputs.
        t, loss: the loss of one example is `loss(model(x[i : i + 1]), t[i : i + 1])`.
        limit: bytes of gradients that are held at once.

    Raises:
        UsageError: the gradients of one of the model's tensors alone are more bytes; nothing can
            learn, or the loss does not depend on what can.
    """
    trainable(model)
    products = torch.zeros(len(x), len(x), dtype=torch.double)
    with resting(model):
        for weights in _parts(model, len(x), limit):
            g = weights[0].detach().new_empty(len(x), sum(p.numel() for p in weights))
            for i in range(len(x)):
                g[i] = _gradient(model, weights, loss, x[i : i + 1], t[i : i + 1])
            products += (g @ g.T).double().cpu()
    centred = products - products.mean(0) - products.mean(1, keepdim=True) + products.mean()
    values = torch.linalg.eigvalsh(centred / len(x)).flip(0).clamp(min=0)
    return GradientSpectrum(values.float(), products.mean().item())


def _parts(model: nn.Module, n: int, limit: int) -> Iterator[list[nn.Parameter]]:
    """The weights in groups whose gradients for n examples are within the limit."""
    part: list[nn.Parameter] = []
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if n * p.nbytes > limit:
            raise UsageError(
                f"The gradients of '{name}' for {n} examples are {n * p.nbytes:,} bytes, more than "
                f"the limit of {limit:,}: take fewer examples, or raise the limit."
            )
        if n * sum(one.nbytes for one in (*part, p)) > limit:
            yield part
            part = []
        part.append(p)
    if part:
        yield part


def _gradient(
    model: nn.Module,
    weights: list[nn.Parameter],
    loss: Callable[[Tensor, Tensor], Tensor],
    x: Any,
    t: Tensor,
) -> Float[Tensor, "p"]:
    with torch.enable_grad():
        error = loss(answer(model, x), t)
    if not error.requires_grad:
        raise UsageError("No gradient reaches the weights: the network detaches its output.")
    gradients = torch.autograd.grad(error, weights, allow_unused=True, materialize_grads=True)
    return torch.cat([g.reshape(-1) for g in gradients])
