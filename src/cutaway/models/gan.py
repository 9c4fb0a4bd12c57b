"""The first generative adversarial network: two multilayer perceptrons, one against the other."""

import math
from itertools import pairwise

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
    """The logit of f_D(x) = sigmoid(u h(h(x))), h(z) = leaky(U z) under dropout.

    The paper's maxout is a leaky ReLU of slope 0.2 here, which is a maximum of two lines, the same
    for every node: in our trials with Adam the maxout of five lines beat the generator at once.
    """

    def __init__(self, channels: int, size: Size, width: int):
        super().__init__()
        widths = [channels * math.prod(size), 2 * width, width]
        self.flatten = nn.Flatten()
        self.hidden = nn.Sequential()
        for a, b in pairwise(widths):
            self.hidden.extend([nn.Linear(a, b), nn.LeakyReLU(0.2), nn.Dropout(0.3)])
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
    channels: int, classes: int, size: Size, latent: int = 100, width: int = 256
) -> Adversaries:
    """Hidden layers of 2 `width` and 2 `width` nodes in G, 2 `width` and `width` in D."""
    generator = Generator(latent, channels, size, 2 * width)
    return Adversaries(generator, Discriminator(channels, size, width), latent)
