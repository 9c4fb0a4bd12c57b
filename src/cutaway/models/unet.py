"""Segmentation networks: the encoder-decoder, and U-Net, which adds skips."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.mlp import read_widths
from cutaway.models.registry import Size, register

Maps = Float[Tensor, "b c h w"]


class Convolutions(nn.Sequential):
    """z = relu(norm(relu(norm(x * u1)) * u2)): 3x3 kernels, padded so that the size stays."""

    def __init__(self, c_in: int, c_out: int, norm: bool):
        super().__init__()
        for a in (c_in, c_out):
            self.append(nn.Conv2d(a, c_out, 3, padding=1, bias=not norm))
            if norm:
                self.append(nn.BatchNorm2d(c_out))
            self.append(nn.ReLU())


class Up(nn.Module):
    """z = convolutions([skip, up(x)]): twice the size by a 2x2 up-convolution, half the maps.

    Without skips the same path has only up(x) to go by; from `skip` it takes the size.
    """

    def __init__(self, c_in: int, c_out: int, norm: bool, skips: bool):
        super().__init__()
        self.skips = skips
        self.up = nn.ConvTranspose2d(c_in, c_out, 2, stride=2)
        self.convolutions = Convolutions(c_out * (1 + skips), c_out, norm)

    def forward(self, x: Maps, skip: Float[Tensor, "b k h2 w2"]) -> Float[Tensor, "b k h2 w2"]:
        h, w = skip.shape[2:]
        up = self.up(x)[:, :, :h, :w]  # an odd side was rounded up on the way down
        return self.convolutions(torch.cat([skip, up], 1) if self.skips else up)


class UNet(nn.Module):
    """Down by max pooling, up by up-convolutions, a class for each pixel by a 1x1 convolution.

    Two things differ from the paper: padding, so that the output has the input's size, and
    batch normalisation, which came after it.

    Source: Ronneberger et al. 2015, figure 1; statistics text pp. 55-56.

    Args:
        widths: maps of each level, the finest first.
        norm: batch-normalise each convolution.
        skips: concatenate each level's maps of the way down to those of the way up.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int], norm: bool, skips: bool):
        super().__init__()
        self.down = nn.ModuleList(
            Convolutions(a, b, norm) for a, b in pairwise([channels, *widths])
        )
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.up = nn.ModuleList(Up(a, b, norm, skips) for a, b in pairwise(widths[::-1]))
        self.output = nn.Conv2d(widths[0], classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # the paper's section 3: std = sqrt(2/N)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Maps) -> Float[Tensor, "b classes h w"]:
        z = self.down[0](x)
        skips = [z]
        for down in self.down[1:]:
            z = down(self.pool(z))
            skips.append(z)
        for up, skip in zip(self.up, skips[-2::-1], strict=True):
            z = up(z, skip)
        return self.output(z)


@register(
    "unet",
    title="U-Net: encoder, decoder and skips",
    source="Ronneberger et al. 2015; statistics text p. 56",
    data="scenes",
    example=(1, 11, (64, 64)),
    min_size=4,
    task="segment",
)
def unet(
    channels: int,
    classes: int,
    size: Size,
    widths: str | int | Sequence[int] = "16-32-64",
    norm: bool = True,
) -> UNet:
    """A level for each of `widths`; the paper's are 64-128-256-512-1024, without `norm`."""
    return UNet(channels, classes, read_widths(widths), norm, skips=True)


@register(
    "encoder_decoder",
    title="U-Net without its skips",
    source="statistics text p. 55",
    data="scenes",
    example=(1, 11, (64, 64)),
    min_size=4,
    task="segment",
)
def encoder_decoder(
    channels: int,
    classes: int,
    size: Size,
    widths: str | int | Sequence[int] = "16-32-64",
    norm: bool = True,
) -> UNet:
    """A level for each of `widths`; all that reaches the output has passed the coarsest."""
    return UNet(channels, classes, read_widths(widths), norm, skips=False)
