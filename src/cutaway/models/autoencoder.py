"""Autoencoders: through a narrow code and back."""

import math
from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.models.mlp import Layer, read_widths
from cutaway.models.parts.strided import conv_decoder, conv_encoder, halved
from cutaway.models.registry import Size, register

Images = Float[Tensor, "b c *size"]
Widths = str | int | Sequence[int]


class Autoencoder(nn.Module):
    """x^ = g(f(x)): f, the encoder, gives the code z; g, the decoder, makes x again of z.

    Source: lecture M, 'Autoencoding'; Hinton and Salakhutdinov 2006.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Images) -> Images:
        return self.decoder(self.encoder(x))


def dense(sizes: Sequence[int], tau: str) -> nn.Sequential:
    """Layers of the sizes n_0 ... n_L, tau after each but the last, which is linear."""
    hidden = (Layer(a, b, tau) for a, b in pairwise(sizes[:-1]))
    return nn.Sequential(*hidden, nn.Linear(sizes[-2], sizes[-1]))


def dense_pair(
    shape: Sequence[int], widths: Widths, code: int, tau: str
) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of dense layers, the second the first in a mirror; x^ in 0..1."""
    check_bottleneck(code, shape)
    hidden = [] if widths in ("", "none") else read_widths(widths)
    sizes = [math.prod(shape), *hidden, code]
    encoder = nn.Sequential(nn.Flatten(), *dense(sizes, tau))
    decoder = nn.Sequential(*dense(sizes[::-1], tau), nn.Sigmoid(), nn.Unflatten(1, tuple(shape)))
    return encoder, decoder


def check_bottleneck(code: int, shape: Sequence[int]) -> None:
    """Refuse a code that is wider than the input."""
    numbers = math.prod(shape)
    if not 1 <= code <= numbers:
        raise UsageError(
            f"A bottleneck of {code} does not narrow examples of {numbers} numbers: "
            f"give one from 1 to {numbers}."
        )


@register(
    "autoencoder",
    title="dense autoencoder",
    source="lecture M; Hinton and Salakhutdinov 2006",
    data="mnist",
    example=(1, 10, 28),
    parameters=209_968,
    rank=0,
    task="reconstruct",
    head="decoder",
)
def autoencoder(
    channels: int,
    classes: int,
    size: Size,
    widths: Widths = "128",
    bottleneck: int = 32,
    activation: str = "relu",
) -> Autoencoder:
    """Hidden layers of `widths` (`none` for none), a linear code of `bottleneck`, and back."""
    return Autoencoder(*dense_pair((channels, *size), widths, bottleneck, activation))


@register(
    "shadow_autoencoder",
    title="three sigmoid units between a shadow and itself",
    source="lecture M, 'Autoencoding'",
    data="shadows",
    example=(1, 10, (10,)),
    parameters=73,
    rank=0,
    task="reconstruct",
    head="decoder",
)
def shadow_autoencoder(channels: int, classes: int, size: Size, bottleneck: int = 3) -> Autoencoder:
    """n - 3 - n, a sigmoid on every unit."""
    encoder, decoder = dense_pair((channels, *size), "none", bottleneck, "sigmoid")
    return Autoencoder(nn.Sequential(encoder, nn.Sigmoid()), decoder)


@register(
    "conv_autoencoder",
    title="convolutional autoencoder",
    source="after Masci et al. 2011",
    data="mnist",
    example=(1, 10, 28),
    task="reconstruct",
    head="decoder",
)
def conv_autoencoder(
    channels: int, classes: int, size: Size, widths: Widths = "16-32", bottleneck: int = 32
) -> Autoencoder:
    """Convolutions of stride 2, as many maps as `widths` says, a linear code, and the mirror."""
    check_bottleneck(bottleneck, (channels, *size))
    maps = read_widths(widths)
    features = maps[-1] * math.prod(halved(size, len(maps))[-1])
    encoder = nn.Sequential(conv_encoder(channels, maps), nn.Linear(features, bottleneck))
    decoder = nn.Sequential(conv_decoder(bottleneck, channels, maps, size), nn.Sigmoid())
    return Autoencoder(encoder, decoder)
