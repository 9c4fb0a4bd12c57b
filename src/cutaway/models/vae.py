"""Variational autoencoders: a code that is a distribution, from which new images are drawn."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.mlp import Layer, read_widths
from cutaway.models.parts.strided import conv_decoder, conv_encoder, halved
from cutaway.models.registry import Size, register

Code = Float[Tensor, "b latent"]


class VAE(nn.Module):
    """q(z | x) = N(mu, sigma^2) with log sigma^2 = log_var; p(x | z) = Bernoulli(sigmoid(logits)).

    Source: Kingma and Welling 2014, section 3 and appendix C.

    Args:
        body: x to the features h, of which mu and log_var are linear.
        features: how many there are.
        decoder: z to the logits of x.
    """

    def __init__(self, body: nn.Module, features: int, latent: int, decoder: nn.Module):
        super().__init__()
        self.latent = latent
        self.body = body
        self.mu = nn.Linear(features, latent)
        self.log_var = nn.Linear(features, latent)
        self.decoder = decoder

    def encode(self, x: Float[Tensor, "b c *size"]) -> tuple[Code, Code]:
        """mu = W4 h + b4, log sigma^2 = W5 h + b5 (equation 12)."""
        h = self.body(x)
        return self.mu(h), self.log_var(h)

    def logits(self, z: Code) -> Float[Tensor, "b c *size"]:
        """The logits of each pixel, whose sigmoid is the probability of white (equation 11)."""
        return self.decoder(z)

    def generate(self, z: Code) -> Float[Tensor, "b c *size"]:
        """sigmoid(logits(z)): the mean image of a code."""
        return self.logits(z).sigmoid()

    def forward(
        self, x: Float[Tensor, "b c *size"]
    ) -> tuple[Float[Tensor, "b c *size"], Code, Code]:
        mu, log_var = self.encode(x)
        return self.logits(draw(mu, log_var)), mu, log_var


def draw(mu: Code, log_var: Code) -> Code:
    """z = mu + sigma eps, eps from N(0, 1): chance enters beside the path of the gradient.

    Source: section 2.4, the reparameterisation.
    """
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


def divergence(mu: Code, log_var: Code) -> Float[Tensor, " b"]:
    """KL(q || N(0, 1)) = -1/2 sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2), in nats.

    Source: appendix B.
    """
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1)


@register(
    "vae",
    title="variational autoencoder, dense",
    source="Kingma and Welling 2014, appendix C",
    data="mnist",
    example=(1, 10, 28),
    parameters=631_188,
    rank=0,
    task="variational",
    head="decoder",
)
def vae(channels: int, classes: int, size: Size, latent: int = 2, hidden: int = 400) -> VAE:
    """One hidden layer of tanh each way."""
    shape = (channels, *size)
    n = math.prod(shape)
    body = nn.Sequential(nn.Flatten(), Layer(n, hidden, "tanh"))
    decoder = nn.Sequential(
        Layer(latent, hidden, "tanh"), nn.Linear(hidden, n), nn.Unflatten(1, shape)
    )
    return VAE(body, hidden, latent, decoder)


@register(
    "conv_vae",
    title="variational autoencoder, convolutional",
    source="after Kingma and Welling 2014",
    data="mnist",
    example=(1, 10, 28),
    task="variational",
    head="decoder",
)
def conv_vae(
    channels: int,
    classes: int,
    size: Size,
    latent: int = 16,
    widths: str | int | Sequence[int] = "32-64",
) -> VAE:
    """Convolutions of stride 2, as many maps as `widths` says, and their mirror."""
    maps = read_widths(widths)
    features = maps[-1] * math.prod(halved(size, len(maps))[-1])
    decoder = conv_decoder(latent, channels, maps, size)
    return VAE(conv_encoder(channels, maps), features, latent, decoder)
