"""Convolutions of stride 2 and their transpose: the two halves of convolutional autoencoders."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from cutaway.models.registry import Size


def halved(size: Size, times: int) -> list[Size]:
    """The size and those after each of `times` convolutions of stride 2, rounded up."""
    sizes = [size]
    for _ in range(times):
        sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
    return sizes


def conv_encoder(channels: int, widths: Sequence[int]) -> nn.Sequential:
    """z^l = relu(z^(l-1) * u^l): 3x3 kernels, stride 2, as many maps as `widths` says; flat."""
    pairs = pairwise([channels, *widths])
    layers = [nn.Sequential(nn.Conv2d(a, b, 3, 2, padding=1), nn.ReLU()) for a, b in pairs]
    return nn.Sequential(*layers, nn.Flatten())


def conv_decoder(code: int, channels: int, widths: Sequence[int], size: Size) -> nn.Sequential:
    """The encoder in reverse: transposed convolutions, each back to the size it came from.

    Of two sizes that a stride of 2 makes one, `output_padding` chooses: an even side has a row
    more. The last layer is linear.
    """
    sizes = halved(size, len(widths))[::-1]
    maps = [*widths[::-1], channels]
    layers = nn.Sequential(
        nn.Linear(code, maps[0] * math.prod(sizes[0])), nn.Unflatten(1, (maps[0], *sizes[0]))
    )
    for a, b, (h, w) in zip(maps, maps[1:], sizes[1:], strict=False):
        extra = (1 - h % 2, 1 - w % 2)
        layers.append(nn.ReLU())
        layers.append(nn.ConvTranspose2d(a, b, 3, 2, padding=1, output_padding=extra))
    return layers
