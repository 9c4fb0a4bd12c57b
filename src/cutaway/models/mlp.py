"""The deep multilayer perceptron."""

import math
from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.models.parts.activations import activation
from cutaway.models.registry import Size, register


class Layer(nn.Module):
    """One layer: z^l = tau_l(U^l z^(l-1)), the 1 of z^(l-1) being the bias (equation 4.5)."""

    def __init__(self, n_in: int, n_out: int, tau: str):
        super().__init__()
        self.U = nn.Linear(n_in, n_out)
        self.tau = activation(tau)
        # Variance kept through ReLU-like units (He et al. 2015), through others (Glorot 2010).
        gain = math.sqrt(2) if tau in ("relu", "gelu") else 1.0
        nn.init.normal_(self.U.weight, std=gain / math.sqrt(n_in))
        nn.init.zeros_(self.U.bias)

    def forward(self, z: Float[Tensor, "b n_in"]) -> Float[Tensor, "b n_out"]:
        return self.tau(self.U(z))


class MLP(nn.Module):
    """o = f(x) = f_L(... f_2(f_1(x))) with the image as one vector (equations 4.1-4.5).

    Source: the course's text, chapter 4, section 4.2.1.

    Args:
        widths: nodes of each hidden layer, n_1 ... n_(L-1).
        tau: name of the hidden layers' activation.
    """

    def __init__(self, n_in: int, widths: Sequence[int], classes: int, tau: str = "relu"):
        super().__init__()
        sizes = [n_in, *widths]
        self.flatten = nn.Flatten()
        self.hidden = nn.Sequential(*(Layer(a, b, tau) for a, b in pairwise(sizes)))
        self.output = nn.Linear(sizes[-1], classes)

    def forward(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b classes"]:
        return self.output(self.hidden(self.flatten(x)))


def read_widths(widths: str | int | Sequence[int]) -> list[int]:
    """`300-100`, 300 or (300, 100) as a list.

    Raises:
        UsageError: anything that is not whole numbers above zero.
    """
    parts = widths.split("-") if isinstance(widths, str) else widths
    try:
        sizes = [int(part) for part in ([parts] if isinstance(parts, int) else parts)]
    except (TypeError, ValueError):
        sizes = [0]
    if any(size < 1 for size in sizes):
        raise UsageError(f"--widths takes nodes per hidden layer such as 300-100, not {widths!r}.")
    return sizes


@register(
    "mlp",
    title="multilayer perceptron of any widths",
    source="textbook ch. 4.2, equations 4.1-4.5",
    data="mnist",
    example=(1, 10, 28),
    rank=0,
)
def mlp(
    channels: int,
    classes: int,
    size: Size,
    widths: str | int | Sequence[int] = "256-128",
    activation: str = "relu",
) -> MLP:
    """Any widths; `activation` is a name of `ACTIVATIONS`."""
    return MLP(channels * math.prod(size), read_widths(widths), classes, activation)


@register(
    "deep_mlp",
    title="784-2500-2000-1500-1000-500-10, the text's deep network of 2010",
    source="Ciresan et al. 2010; textbook ch. 4.2.2",
    data="mnist",
    example=(1, 10, 28),
    rank=0,
    parameters=11_972_510,
)
def deep_mlp(channels: int, classes: int, size: Size, activation: str = "relu") -> MLP:
    """Five hidden layers of 2500, 2000, 1500, 1000 and 500 nodes."""
    return MLP(channels * math.prod(size), (2500, 2000, 1500, 1000, 500), classes, activation)
