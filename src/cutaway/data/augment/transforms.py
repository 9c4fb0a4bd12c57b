"""The transforms: their random draws and their effect on a batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from cutaway.data.augment.geometry import affine_matrices, grey, integers, uniform, window
from cutaway.errors import UsageError
from cutaway.settings import Setting, setting, settings_of

UP_TO_1000: dict[str, Any] = {"low": 0, "high": 1000}
"""The range of a number that has no bound of its own."""


@dataclass(frozen=True)
class Transform:
    """A transform. Its fields are its strengths; impossible ones are refused."""

    def __post_init__(self) -> None:
        for each in self.settings():
            object.__setattr__(self, each.name, each.read(getattr(self, each.name)))

    @classmethod
    @cache
    def settings(cls) -> tuple[Setting, ...]:
        """Its numbers, in the order in which a recipe writes them."""
        return tuple(settings_of(cls, of=cls.__name__.lower()).values())

    @property
    def name(self) -> str:
        """Its name in a recipe."""
        return type(self).__name__.lower()

    @property
    def active(self) -> bool:
        """Whether it can change anything: whether its strength is above zero."""
        return getattr(self, self.settings()[0].name) > 0

    def check_size(self, size: Sequence[int]) -> None:
        """Raise UsageError where images of (height, width) pixels cannot be transformed."""

    def __str__(self) -> str:
        values = [(getattr(self, each.name), each.default) for each in self.settings()]
        last = max((i for i, (value, usual) in enumerate(values, 1) if value != usual), default=0)
        numbers = [repr(value).removesuffix(".0") for value, _ in values[:last]]
        return ":".join([self.name, *numbers])


class Move(Transform):
    """A transform that moves pixels by whole steps: a copy."""

    def move(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        """Move the images without interpolation."""
        raise NotImplementedError


class Affine(Transform):
    """A transform that is a linear map of the plane."""

    def matrix(self, count: int, rng: Generator) -> Float[Tensor, "b 3 3"]:
        """For each of `count` images, the map from a place (x, y, 1) after the change to the
        place before it, in pixels from the image's centre, x to the right and y down."""
        raise NotImplementedError


class Paint(Transform):
    """A transform of the pixels' values."""

    def paint(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        """Change the pixels' values."""
        raise NotImplementedError


@dataclass(frozen=True)
class Shift(Move, Affine):
    """Move by up to `pixels` whole pixels along each axis, uniformly; zeros come in."""

    pixels: int = setting(help="largest move along one axis, in pixels", **UP_TO_1000)

    def check_size(self, size: Sequence[int]) -> None:
        _check_larger(self, self.pixels, size)

    def move(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        shift = integers(rng, -self.pixels, self.pixels, len(images), 2)
        return window(F.pad(images, (self.pixels,) * 4), self.pixels - shift, images.shape[2:])

    def matrix(self, count: int, rng: Generator) -> Float[Tensor, "b 3 3"]:
        shift = integers(rng, -self.pixels, self.pixels, count, 2).to(torch.float32)
        return affine_matrices([1, 0, -shift[:, 1]], [0, 1, -shift[:, 0]])


@dataclass(frozen=True)
class Flip(Move, Affine):
    """Mirror left to right."""

    p: float = setting(0.5, "chance that an image is mirrored", low=0, high=1)

    def move(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        flipped = (uniform(rng, len(images)) < self.p).to(images.device)
        return torch.where(flipped[:, None, None, None], images.flip(3), images)

    def matrix(self, count: int, rng: Generator) -> Float[Tensor, "b 3 3"]:
        side = torch.where(uniform(rng, count) < self.p, -1.0, 1.0)
        return affine_matrices([side, 0, 0], [0, 1, 0])


@dataclass(frozen=True)
class Crop(Move):
    """Pad by reflection, then cut the image's own size out at a random place (He et al. 2016,
    arXiv:1512.03385, section 4.2, who pad with zeros; reflection as in airbench)."""

    padding: int = setting(
        help="pixels added at each side; less than the image's side", **UP_TO_1000
    )

    def check_size(self, size: Sequence[int]) -> None:
        _check_larger(self, self.padding, size)

    def move(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        self.check_size(images.shape[2:])
        corner = self.padding + integers(rng, -self.padding, self.padding, len(images), 2)
        return window(F.pad(images, (self.padding,) * 4, "reflect"), corner, images.shape[2:])


@dataclass(frozen=True)
class Rotate(Affine):
    """Turn about the centre by an angle uniform in -`degrees`..`degrees`; zeros come in."""

    degrees: float = setting(help="largest angle", low=0, high=180)

    def matrix(self, count: int, rng: Generator) -> Float[Tensor, "b 3 3"]:
        angle = (2 * uniform(rng, count) - 1) * math.radians(self.degrees)
        cos, sin = angle.cos(), angle.sin()
        return affine_matrices([cos, -sin, 0], [sin, cos, 0])


@dataclass(frozen=True)
class Scale(Affine):
    """Magnify about the centre by a factor uniform in 1 - `fraction`..1 + `fraction`."""

    fraction: float = setting(help="largest change of size", low=0, high=0.99)

    def matrix(self, count: int, rng: Generator) -> Float[Tensor, "b 3 3"]:
        factor = 1 + (2 * uniform(rng, count) - 1) * self.fraction
        return affine_matrices([1 / factor, 0, 0], [0, 1 / factor, 0])


@dataclass(frozen=True)
class Elastic(Transform):
    """Smooth random displacement (Simard, Steinkraus & Platt 2003, section 2).

    The paper draws a number uniform in -1..1 at every pixel, smooths with a Gaussian and
    multiplies by `alpha`; the displacement has a root mean square of 0.163 alpha / sigma pixels
    (the paper's 34 and 4 for digits: 1.4 pixels). Here the numbers lie on a grid of knots `sigma`
    apart, with the same mean square, which gives the same field for fewer numbers, also beyond
    the border, so that displacements do not shrink there.
    """

    alpha: float = setting(help="strength, in pixels", **UP_TO_1000)
    sigma: float = setting(help="standard deviation of the Gaussian, in pixels", low=0.5, high=1000)

    def displacement(self, count: int, h: int, w: int, rng: Generator) -> Float[Tensor, "b 2 h w"]:
        """The displacement of the place from which each pixel takes its value: (x, y), in
        pixels."""
        down, across = self._bumps(h, rng.device), self._bumps(w, rng.device)
        knots = 2 * uniform(rng, count, 2, down.shape[1], across.shape[1]) - 1
        return (self.alpha * down) @ knots @ across.mT

    def _bumps(self, side: int, device: torch.device) -> Float[Tensor, "side knots"]:
        """A Gaussian about each knot, by which a sum over knots equals one over pixels."""
        knots = torch.arange(-3, side / self.sigma + 3, device=device) * self.sigma
        away = torch.arange(side, device=device)[:, None] - knots
        height = math.sqrt(self.sigma) / (self.sigma * math.sqrt(2 * math.pi))
        return height * (-0.5 * (away / self.sigma) ** 2).exp()


@dataclass(frozen=True)
class Erase(Paint):
    """Paint a square over with the image's mean colour (cutout, DeVries & Taylor 2017,
    arXiv:1708.04552). Its centre is uniform over the image, so it may lie partly outside."""

    size: int = setting(help="side of the square, in pixels", **UP_TO_1000)

    def check_size(self, size: Sequence[int]) -> None:
        _check_larger(self, self.size // 2, size)

    def paint(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        hidden = [self._hidden(side, len(images), rng) for side in images.shape[2:]]
        square = (hidden[0][:, :, None] & hidden[1][:, None, :]).to(images.device)
        return torch.where(square[:, None], images.mean((2, 3), keepdim=True), images)

    def _hidden(self, side: int, count: int, rng: Generator) -> Tensor:
        centre = integers(rng, 0, side - 1, count, 1)
        away = torch.arange(side, device=rng.device) - (centre - self.size // 2)
        return (away >= 0) & (away < self.size)


@dataclass(frozen=True)
class Colour(Paint):
    """Change brightness, then contrast, then saturation (Howard 2013, arXiv:1312.5402), each by a
    factor uniform in 1 - strength..1 + strength; values stay within 0..1."""

    brightness: float = setting(help="strength; the factor multiplies every value", low=0, high=1)
    contrast: float = setting(
        0.0,
        "strength; the factor multiplies the distance from the image's mean grey",
        low=0,
        high=1,
    )
    saturation: float = setting(
        0.0, "strength; the factor multiplies the distance from the pixel's own grey", low=0, high=1
    )

    @property
    def active(self) -> bool:
        return max(self.brightness, self.contrast, self.saturation) > 0

    def paint(self, images: Float[Tensor, "b c h w"], rng: Generator) -> Float[Tensor, "b c h w"]:
        spread = (2 * uniform(rng, 3, len(images), 1, 1, 1, dim=1) - 1).to(
            images.device, images.dtype
        )
        images = (images * (1 + self.brightness * spread[0])).clamp(0, 1)
        mean = grey(images).mean((1, 2, 3), keepdim=True)
        images = torch.lerp(mean, images, 1 + self.contrast * spread[1]).clamp(0, 1)
        return torch.lerp(grey(images), images, 1 + self.saturation * spread[2]).clamp(0, 1)


def _check_larger(transform: Transform, pixels: int, size: Sequence[int]) -> None:
    """Refuse to move an image out of sight, or to hide all of it."""
    if pixels >= min(size):
        raise UsageError(
            f"{transform} needs images of more than {pixels} pixels a side, not {size[0]} x "
            f"{size[1]}."
        )


KINDS: dict[str, type[Transform]] = {
    kind.__name__.lower(): kind
    for kind in (Shift, Flip, Crop, Rotate, Scale, Elastic, Erase, Colour)
}
