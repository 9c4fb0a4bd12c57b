"""The resizing of `frame`, written out on tensors: bit-identical to Pillow."""

import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from cutaway.data.frame import Fit, margins, middle_square

BITS = 22
"""Fractional bits of a weight: sums of 8-bit pixels then fit in 32."""
LUMA = (19595, 38470, 7471)
"""Weights of red, green and blue in grey, of 65,536 (ITU-R 601-2)."""


def framed(
    images: UInt8[Tensor, "n h w c"], size: tuple[int, ...], fit: Fit
) -> UInt8[Tensor, "n h2 w2 c"]:
    """Pictures at another height and width; themselves if they have it."""
    height, width = images.shape[1:3]
    if (height, width) == size:
        return images
    if fit == "cut":
        top, left, side = middle_square(height, width)
        images = images[:, top : top + side, left : left + side]
    elif fit == "pad":
        images = padded(images)
    return torch.cat([resampled(part, size) for part in images.split(512)])


def padded(images: Shaped[Tensor, "n h w *c"]) -> Shaped[Tensor, "n s s *c"]:
    """Pictures with their edge repeated until they are square."""
    (above, below), (left, right) = margins(images.shape[1], images.shape[2])
    rows = torch.arange(-above, images.shape[1] + below).clamp(0, images.shape[1] - 1)
    columns = torch.arange(-left, images.shape[2] + right).clamp(0, images.shape[2] - 1)
    return images[:, rows][:, :, columns]


def resampled(
    images: UInt8[Tensor, "n h w c"], size: tuple[int, ...]
) -> UInt8[Tensor, "n h2 w2 c"]:
    """The whole pictures at a height and width."""
    x = images.permute(0, 3, 1, 2).double()
    if size[1] != x.shape[3]:
        x = _rounded(x @ weights(x.shape[3], size[1]).T)
    if size[0] != x.shape[2]:
        x = _rounded(weights(x.shape[2], size[0]) @ x)
    return x.byte().permute(0, 2, 3, 1).contiguous()


def weights(length: int, out_length: int) -> Float[Tensor, "out_length length"]:
    """The weight of each of `length` pixels in each of `out_length` ones, times 2^22; whole
    numbers.

    Of pixels x from the middle of the new one, in its own width where it is the larger:
    1 - 2.5 x^2 + 1.5 x^3 up to 1, 2 - 4 x + 2.5 x^2 - 0.5 x^3 up to 2; then their sum is made 1.

    Source: Keys 1981, 'Cubic convolution interpolation for digital image processing'.
    """
    scale = length / out_length
    wide = max(scale, 1.0)
    centres = (torch.arange(out_length, dtype=torch.float64)[:, None] + 0.5) * scale
    places = torch.arange(length, dtype=torch.float64)
    first, last = ((centres + d * 2 * wide + 0.5).floor() for d in (-1, 1))
    x = ((places - centres + 0.5) / wide).abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    w = torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
    w = torch.where((places >= first) & (places < last), w, 0.0)
    return (w / w.sum(1, keepdim=True) * 2**BITS + 0.5).floor()


def grey(images: UInt8[Tensor, "n *grid 3"]) -> UInt8[Tensor, "n *grid 1"]:
    """The luma of colours, as Pillow rounds it."""
    total = sum(images[..., k].int() * LUMA[k] for k in range(3))
    return ((total + 0x8000) >> 16).byte()[..., None]  # type: ignore[union-attr]


def coloured(images: UInt8[Tensor, "n *grid c"], channels: int) -> UInt8[Tensor, "n *grid c2"]:
    """Grey pictures in three equal channels, or colours in grey; themselves if they are so."""
    if images.shape[-1] == channels:
        return images
    return grey(images) if channels == 1 else images.expand(*images.shape[:-1], channels)


def _rounded(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    return (x / 2**BITS + 0.5).floor().clamp(0, 255)
