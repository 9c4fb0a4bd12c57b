"""Common corruptions of images at five strengths, and accuracy under them.

Eleven of the fifteen kinds of Hendrycks and Dietterich 2019 (section 4.1 and appendix B). Snow and
frost, which want pictures of their own, glass blur and elastic distortion are left out. Their
numbers for CIFAR-10-C (32 pixels a side) and for ImageNet-C (224) differ: those of the nearer side
are taken (the bound is 85 pixels), and lengths in pixels follow the shorter side from there, but
not below 32 pixels, where the lengths are about a pixel already.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Generator, Tensor
from torch.nn import functional as F

from cutaway.errors import UsageError, nearest
from cutaway.randomness import generator

Pixels = Float[Tensor, "b c h w"]
"""Images in 0..1, grey or in colour."""
Images = Pixels | UInt8[Tensor, "b c h w"]
Corruption = Callable[[Images, int, Generator], Images]
STRENGTHS = (1, 2, 3, 4, 5)
SMALL, LARGE = 32, 224
"""Sides of the images that the paper's parameters are for."""

CORRUPTIONS: dict[str, Corruption] = {}
"""Corruptions by name: called with images, a strength from 1 to 5 and a generator on the images'
device."""


def _corruption(
    small: Sequence[float | tuple[float, ...]], large: Sequence[float | tuple[float, ...]]
) -> Callable[[Callable[..., Pixels]], Corruption]:
    """Register a corruption with the paper's parameters for the strengths."""

    def enter(change: Callable[..., Pixels]) -> Corruption:
        @wraps(change)
        def corrupted(images: Images, strength: int, draw: Generator) -> Images:
            if strength not in STRENGTHS:
                raise UsageError(f"Corruptions have strengths 1 to 5, not {strength}.")
            side = min(images.shape[2:])
            table, of = (small, SMALL) if side * side < SMALL * LARGE else (large, LARGE)
            numbers = table[strength - 1]
            numbers = numbers if isinstance(numbers, tuple) else (numbers,)
            whole = images.dtype == torch.uint8
            x = images / 255 if whole else images
            x = change(x, max(side, SMALL) / of, draw, *numbers).clamp(0, 1)
            return (x * 255).round().to(torch.uint8) if whole else x

        CORRUPTIONS[change.__name__.replace("_", "-")] = corrupted
        return corrupted

    return enter


@_corruption([0.04, 0.06, 0.08, 0.09, 0.1], [0.08, 0.12, 0.18, 0.26, 0.38])
def gaussian_noise(x: Pixels, scale: float, draw: Generator, deviation: float) -> Pixels:
    return x + deviation * torch.randn(x.shape, generator=draw, device=x.device)


@_corruption([500, 250, 100, 75, 50], [60, 25, 12, 5, 3])
def shot_noise(x: Pixels, scale: float, draw: Generator, photons: float) -> Pixels:
    """Poisson noise: `photons` is the mean count of a white pixel."""
    return torch.poisson(x * photons, draw) / photons


@_corruption([0.01, 0.02, 0.03, 0.05, 0.07], [0.03, 0.06, 0.09, 0.17, 0.27])
def impulse_noise(x: Pixels, scale: float, draw: Generator, share: float) -> Pixels:
    """Set a share of the values to black or white."""
    u = torch.rand(x.shape, generator=draw, device=x.device)
    return x.where(u >= share, (u < share / 2).to(x))


@_corruption(
    [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
    [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)],
)
def defocus_blur(x: Pixels, scale: float, draw: Generator, radius: float, edge: float) -> Pixels:
    """Blur by a disk, whose edge a Gaussian of 3 x 3 pixels makes soft."""
    radius = radius * scale
    away = torch.arange(-int(radius) - 1, int(radius) + 2, dtype=x.dtype, device=x.device)
    disk = (away[:, None] ** 2 + away**2 <= radius**2).to(x)
    bell = torch.exp(-(torch.tensor([-1.0, 0, 1]).to(x) ** 2) / (2 * (edge * scale) ** 2))
    kernel = F.conv2d(disk[None, None], torch.outer(bell, bell)[None, None], padding=1)
    pad = len(away) // 2
    framed = F.pad(x, (pad,) * 4, "replicate").flatten(0, 1)[:, None]
    return F.conv2d(framed, kernel / kernel.sum()).view_as(x)


@_corruption(
    [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)], [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)]
)
def motion_blur(x: Pixels, scale: float, draw: Generator, radius: float, sigma: float) -> Pixels:
    """Average along half a Gaussian, in a direction within 45 degrees of the horizontal."""
    angle = (torch.rand(len(x), generator=draw, device=x.device) - 0.5) * math.pi / 2
    direction = torch.stack([angle.cos(), angle.sin()], 1)
    reach = round(min(2 * radius, 4 * sigma) * scale)  # what lies further weighs nothing
    weights = torch.exp(-((torch.arange(reach + 1) / (sigma * scale)) ** 2) / 2)
    weights = weights / weights.sum()
    blurred = torch.zeros_like(x)
    for i, weight in enumerate(weights.tolist()):
        blurred += weight * _zoomed(x, 1, i * direction)
    return blurred


@_corruption(
    [(0.06, 0.01), (0.11, 0.01), (0.16, 0.01), (0.21, 0.01), (0.26, 0.01)],
    [(0.11, 0.01), (0.16, 0.01), (0.21, 0.02), (0.26, 0.02), (0.31, 0.03)],
)
def zoom_blur(x: Pixels, scale: float, draw: Generator, largest: float, step: float) -> Pixels:
    """Average the image and its enlargements up to 1 + largest."""
    factors = 1 + torch.arange(0, largest, step)
    nowhere = x.new_zeros(len(x), 2)
    total = sum(_zoomed(x, factor, nowhere) for factor in factors.tolist())
    return (x + total) / (len(factors) + 1)


@_corruption(
    [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)],
    [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)],
)
def fog(x: Pixels, scale: float, draw: Generator, thick: float, decay: float) -> Pixels:
    """Add clouds, and darken the whole so that its brightest point is as before."""
    h, w = x.shape[2:]
    clouds = plasma(len(x), 1 << (max(h, w) - 1).bit_length(), decay, draw)[:, None, :h, :w]
    top = x.amax((1, 2, 3), keepdim=True)
    return (x + thick * clouds) * top / (top + thick)


@_corruption([0.05, 0.1, 0.15, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5])
def brightness(x: Pixels, scale: float, draw: Generator, more: float) -> Pixels:
    """Raise the value (the largest channel); hue and saturation stay."""
    v = x.amax(1, keepdim=True)
    brighter = (v + more).clamp(max=1)
    return (x * brighter / v).where(v > 0, brighter)


@_corruption([0.75, 0.5, 0.4, 0.3, 0.15], [0.4, 0.3, 0.2, 0.1, 0.05])
def contrast(x: Pixels, scale: float, draw: Generator, share: float) -> Pixels:
    """Reduce the distance from each channel's mean to a share."""
    mean = x.mean((2, 3), keepdim=True)
    return mean + share * (x - mean)


@_corruption([0.95, 0.9, 0.85, 0.75, 0.65], [0.6, 0.5, 0.4, 0.3, 0.25])
def pixelate(x: Pixels, scale: float, draw: Generator, share: float) -> Pixels:
    """Reduce the resolution to a share of each side: every pixel becomes the mean of its block."""
    rows, columns = (_blocks(side, max(1, int(side * share))).to(x) for side in x.shape[2:])
    return rows @ x @ columns.T


def _blocks(side: int, count: int) -> Float[Tensor, "side side"]:
    """The matrix that averages over `count` blocks of almost equal length."""
    block = ((torch.arange(side) + 0.5) * count / side).long()
    same = (block[:, None] == block).float()
    return same / same.sum(1, keepdim=True)


@_corruption([80, 65, 58, 50, 40], [25, 18, 15, 10, 7])
def jpeg(x: Pixels, scale: float, draw: Generator, quality: int) -> Pixels:
    """Compress as JPEG and decode; where there are other than 1 or 3 channels, each by itself."""
    if x.shape[1] not in (1, 3):
        return _jpeg(x.flatten(0, 1)[:, None], quality).view_as(x)
    return _jpeg(x, quality)


def _jpeg(x: Pixels, quality: int) -> Pixels:
    from PIL import Image

    decoded = []
    for pixels in (x * 255).round().to("cpu", torch.uint8).movedim(1, -1):
        file = BytesIO()
        Image.fromarray(pixels.squeeze(-1).contiguous().numpy()).save(file, "JPEG", quality=quality)
        decoded.append(torch.from_numpy(np.array(Image.open(file))).reshape(pixels.shape))
    return (torch.stack(decoded).movedim(-1, 1) / 255).to(x)


def _zoomed(x: Pixels, factor: float, by: Float[Tensor, "b 2"]) -> Pixels:
    """Each image enlarged about its centre, and shifted by `by` pixels to the right and below."""
    h, w = x.shape[2:]
    turn = torch.eye(2).to(x).expand(len(x), 2, 2) / factor
    move = by.to(x) * 2 / x.new_tensor([w, h])
    grid = F.affine_grid(torch.cat([turn, move[..., None]], 2), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def plasma(count: int, side: int, decay: float, draw: Generator) -> Float[Tensor, "b side side"]:
    """Clouds in 0..1 that join at their borders, by the diamond-square algorithm.

    Each midpoint is the mean of four points about it plus a draw. From one halving of the distances
    to the next draws become smaller by `decay` squared (so the paper's program).

    Args:
        side: a power of two.
    """
    z = torch.zeros(count, side, side, device=draw.device)
    step, swing = side, 1.0

    def middle(total: Tensor) -> Tensor:
        u = torch.rand(total.shape, generator=draw, device=draw.device)
        return total / 4 + swing * (2 * u - 1)

    while step > 1:
        half = step // 2
        corners = z[:, ::step, ::step]
        across = corners + corners.roll(-1, 1)
        centres = middle(across + across.roll(-1, 2))
        z[:, half::step, half::step] = centres
        above = centres + centres.roll(1, 1) + corners + corners.roll(-1, 2)
        z[:, ::step, half::step] = middle(above)
        beside = centres + centres.roll(1, 2) + corners + corners.roll(-1, 1)
        z[:, half::step, ::step] = middle(beside)
        step, swing = half, swing / decay**2
    low, high = z.amin((1, 2), keepdim=True), z.amax((1, 2), keepdim=True)
    return (z - low) / (high - low).clamp(min=1e-12)


@dataclass(frozen=True)
class Accuracies:
    """Accuracy on corrupted images.

    Attributes:
        names: of the corruptions.
        clean: the share that is right of the images as they are.
        shares: at the strengths 1 to 5.
    """

    names: tuple[str, ...]
    clean: float
    shares: Float[Tensor, "n 5"]

    @property
    def mean(self) -> float:
        """The mean over all corruptions and strengths."""
        return self.shares.mean().item()


def accuracies(
    classify: Callable[[Images], Int[Tensor, "b"]],
    images: Images,
    t: Int[Tensor, "n"],
    names: Sequence[str] = (),
    seed: int = 0,
    batch: int = 256,
) -> Accuracies:
    """Compute the accuracy under each corruption at each strength.

    Args:
        classify: gives the classes of images such as these, before they are normalised.
        names: of corruptions; by default all.
        batch: images that are corrupted and classified at once.

    Raises:
        UsageError: no such corruption.
    """
    for name in names:
        if name not in CORRUPTIONS:
            raise UsageError(f"There is no corruption '{name}'.{nearest(name, CORRUPTIONS)}")
    names = tuple(names or CORRUPTIONS)

    def share(change: Callable[[Images], Images]) -> float:
        pairs = zip(torch.split(images, batch), torch.split(t, batch), strict=True)
        return sum(int((classify(change(x)) == of).sum()) for x, of in pairs) / len(t)

    def at(name: str, strength: int) -> float:
        draw = generator(seed, "corrupt", name, strength, device=str(images.device))
        return share(lambda x: CORRUPTIONS[name](x, strength, draw))

    rows = [[at(name, strength) for strength in STRENGTHS] for name in names]
    return Accuracies(names, share(lambda x: x), torch.tensor(rows))
