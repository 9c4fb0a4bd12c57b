"""Implicit functions: a network that represents an image, from coordinates to colour."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.registry import Size, register


class SineLayer(nn.Module):
    """h = sin(omega_0 W x + b).

    W is drawn from uniform(-1/n, 1/n) in the first layer, from uniform(-c, c) with
    c = sqrt(6/n) / omega_0 in the others: omega_0 W x then has unit variance and h the arcsine
    distribution, however deep the layer is. The paper leaves b open; a whole turn of phases makes
    the distribution exact, where b = 0 has the variance sink to 0.8 with depth.

    Source: Sitzmann et al. 2020, section 3.2 and supplement 1; statistics text p. 38.
    """

    def __init__(self, n_in: int, n_out: int, omega_0: float, first: bool = False):
        super().__init__()
        self.omega_0 = omega_0
        self.W = nn.Linear(n_in, n_out, bias=False)
        self.b = nn.Parameter(torch.empty(n_out).uniform_(-math.pi, math.pi))
        bound = 1 / n_in if first else math.sqrt(6 / n_in) / omega_0
        nn.init.uniform_(self.W.weight, -bound, bound)

    def forward(self, x: Float[Tensor, "*b n_in"]) -> Float[Tensor, "*b n_out"]:
        return torch.sin(self.omega_0 * self.W(x) + self.b)


class Implicit(nn.Module):
    """x(p) = W h + b with h = h_L(... h_1(p)): the image as a function of the place p.

    Source: Sitzmann et al. 2020, equation 3.
    """

    def __init__(self, hidden: nn.Module, output: nn.Linear):
        super().__init__()
        self.hidden, self.output = hidden, output

    def forward(self, p: Float[Tensor, "n d"]) -> Float[Tensor, "n channels"]:
        return self.output(self.hidden(p))


def relu_layer(n_in: int, n_out: int) -> nn.Sequential:
    """h = relu(W x + b), W after He et al. 2015; b random, or all kinks would meet at p = 0."""
    layer = nn.Linear(n_in, n_out)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.ReLU())


@register(
    "siren",
    title="SIREN: an image as a network of sines",
    source="Sitzmann et al. 2020, section 3.2; statistics text p. 38",
    data="china",
    example=(1, 1, 128),
    parameters=132_609,
    task="implicit",
)
def siren(
    channels: int,
    classes: int,
    size: Size,
    width: int = 256,
    depth: int = 3,
    omega: float = 30.0,
) -> Implicit:
    """`depth` hidden layers of `width` sines; `omega` is omega_0 of every layer."""
    pairs = pairwise([len(size)] + [width] * depth)
    hidden = (SineLayer(a, b, omega, first=i == 0) for i, (a, b) in enumerate(pairs))
    output = nn.Linear(width, channels)
    bound = math.sqrt(6 / width) / omega  # as the hidden layers: the image starts near grey
    nn.init.uniform_(output.weight, -bound, bound)
    return Implicit(nn.Sequential(*hidden), output)


@register(
    "coordinate_mlp",
    title="an image as a network of ReLUs, to compare with SIREN",
    source="Sitzmann et al. 2020, section 4; statistics text p. 36",
    data="china",
    example=(1, 1, 128),
    parameters=132_609,
    task="implicit",
)
def coordinate_mlp(
    channels: int, classes: int, size: Size, width: int = 256, depth: int = 3
) -> Implicit:
    """`depth` hidden layers of `width` ReLUs."""
    pairs = pairwise([len(size)] + [width] * depth)
    return Implicit(
        nn.Sequential(*(relu_layer(a, b) for a, b in pairs)), nn.Linear(width, channels)
    )
