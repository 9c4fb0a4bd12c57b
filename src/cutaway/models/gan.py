"""The first generative adversarial network: two multilayer perceptrons, one against the other."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.mlp import Layer
from cutaway.models.registry import Size, register

Seeds = Float[Tensor, "b latent"]
Examples = Float[Tensor, "b c *grid"]


class Adversaries(nn.Module):
    """A generator f_G and a discriminator f_D (the text's figure 4.35).

    Attributes:
        generator: a seed z to an example x = f_G(z) in [-1, 1].
        discriminator: an example to the logit of f_D(x), the probability that it is real.
        latent: length of a seed, which is drawn from N(0, 1).
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, latent: int):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent

    def generate(self, z: Seeds) -> Examples:
        """x = f_G(z)."""
        return self.generator(z)

    def forward(self, z: Seeds) -> Float[Tensor, "b *classes"]:
        """The logit of f_D(f_G(z)), the whole drawing."""
        return self.discriminator(self.generator(z))


class Maxout(nn.Module):
    """h_i = max over j of (U_j z + b_j)_i: a convex activation that is learned.

    Source: Goodfellow et al. 2013, section 2. Dropout of its input is part of the method.
    """

    def __init__(self, n_in: int, n_out: int, pieces: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.U = nn.Linear(n_in, n_out * pieces)
        self.pieces = nn.Unflatten(1, (n_out, pieces))

    def forward(self, z: Float[Tensor, "b n_in"]) -> Float[Tensor, "b n_out"]:
        return self.pieces(self.U(self.dropout(z))).amax(2)


class Generator(nn.Module):
    """f_G(z) = tanh(U relu(U relu(U z))): ReLUs as in the paper, tanh as x lies in [-1, 1]."""

    def __init__(self, latent: int, channels: int, size: Size, width: int):
        super().__init__()
        self.hidden = nn.Sequential(Layer(latent, width, "relu"), Layer(width, width, "relu"))
        self.output = nn.Linear(width, channels * math.prod(size))
        self.grid = nn.Unflatten(1, (channels, *size))
        self.tanh = nn.Tanh()

    def forward(self, z: Seeds) -> Examples:
        return self.grid(self.tanh(self.output(self.hidden(z))))


class Discriminator(nn.Module):
    """The logit of f_D(x): two layers of maxout under dropout, as in the paper."""

    def __init__(self, channels: int, size: Size, width: int):
        super().__init__()
        self.flatten = nn.Flatten()
        n_in = channels * math.prod(size)
        self.hidden = nn.Sequential(Maxout(n_in, width, 5, 0.2), Maxout(width, width, 5, 0.5))
        self.output = nn.Linear(width, 1)

    def forward(self, x: Examples) -> Float[Tensor, "b"]:
        return self.output(self.hidden(self.flatten(x))).squeeze(1)


@register(
    "gan",
    title="generative adversarial network of two MLPs",
    source="Goodfellow et al. 2014; textbook ch. 4.5.2, figure 4.35",
    data="mnist",
    example=(1, 10, 28),
    rank=0,
    task="adversarial",
    head="discriminator.output",
)
def gan(
    channels: int, classes: int, size: Size, latent: int = 100, width: int = 240
) -> Adversaries:
    """Seeds of `latent` numbers; `width` is D's hidden nodes, G has five times as many."""
    generator = Generator(latent, channels, size, 5 * width)
    return Adversaries(generator, Discriminator(channels, size, width), latent)
