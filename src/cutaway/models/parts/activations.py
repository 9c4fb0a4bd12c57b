"""Activation functions by name."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError, nearest


class ScaledTanh(nn.Module):
    """f(a) = A tanh(S a) with A = 1.7159, S = 2/3, so that f(1) = 1 and f(-1) = -1.

    Source: LeCun et al. 1998, equation 6 and appendix A.
    """

    A, S = 1.7159, 2 / 3

    def forward(self, a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.A * torch.tanh(self.S * a)


class Sine(nn.Module):
    """f(a) = sin(a)."""

    def forward(self, a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.sin(a)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "scaled-tanh": ScaledTanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "sine": Sine,
}


def activation(name: str) -> nn.Module:
    """A new activation.

    Raises:
        UsageError: an unknown name; the nearest one is offered.
    """
    if name not in ACTIVATIONS:
        raise UsageError(f"There is no activation '{name}'.{nearest(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()
