"""Composition of transforms, and the text by which recipes write them."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from functools import reduce
from typing import ClassVar

import torch
from jaxtyping import Float, Int, UInt8
from torch import Generator, Tensor

from cutaway.data.augment.draw import Draw
from cutaway.data.augment.geometry import warp
from cutaway.data.augment.transforms import (
    KINDS,
    Affine,
    Crop,
    Elastic,
    Flip,
    Move,
    Paint,
    Transform,
)
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError, nearest

AUTO = "auto"
"""The setting that chooses transforms that suit the images."""


@dataclass(frozen=True)
class Augment:
    """Transforms drawn anew for every image of a batch; `str` gives what `parse` reads.

    Attributes:
        transforms: what is done; none leaves the images as they are.
        by_batch: whether what is done to an image depends on the others of its batch.
    """

    transforms: tuple[Transform, ...] = ()

    by_batch: ClassVar[bool] = False

    @property
    def active(self) -> bool:
        """Whether any transform can change an image."""
        return any(each.active for each in self.transforms)

    def __call__(
        self, images: Float[Tensor, "b c *grid"], generator: Generator
    ) -> Float[Tensor, "b c *grid"]:
        """A new variant of each image, in the same dtype and memory format.

        Args:
            images: in 0..1, not normalised.
            generator: where every random number comes from; fastest on the images' device.

        Raises:
            UsageError: they are no pictures, and something would be done to them.
        """
        self.check_size(images.shape[2:])
        return _in_format_of(images, self._paint(self._move(images, None, generator)[0], generator))

    def with_masks(
        self,
        images: Float[Tensor, "b c h w"],
        masks: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"],
        generator: Generator,
    ) -> tuple[Tensor, Tensor]:
        """Augment images as a call does, and move their masks in the same way.

        A mask takes the class of the nearest pixel, 0 where zeros come in, and keeps its dtype.
        """
        self.check_size(images.shape[2:])
        moved, followed = self._move(images, masks, generator)
        assert followed is not None
        return _in_format_of(images, self._paint(moved, generator)), followed

    def of_step(
        self,
        images: Float[Tensor, "b c *grid"],
        masks: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"] | None,
        draw: Draw,
    ) -> tuple[Tensor, Tensor | None]:
        """A new variant of each image of a step, and of its mask."""
        if masks is None:
            return self(images, draw.generator), None
        return self.with_masks(images, masks, draw.generator)

    def check(self, images: ImageSet) -> None:
        """Raise UsageError where these transforms cannot be done to such images."""
        self.check_size(images.size)

    def check_size(self, size: Sequence[int]) -> None:
        """Raise UsageError where examples on this grid cannot be changed by these transforms."""
        for each in self.transforms if len(size) == 2 else ():
            each.check_size(size)
        if len(size) != 2 and self.transforms:
            grid = " x ".join(map(str, size))
            raise UsageError(
                f"The augmentation '{self}' is for pictures and does nothing sensible to examples "
                f"of {grid} values: leave it out (augment=none)."
            )

    def _move(
        self, images: Tensor, masks: Tensor | None, rng: Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Steps 1 and 2: geometric transforms."""
        active = [each for each in self.transforms if each.active]
        sampled = any(not isinstance(each, Move | Paint) for each in active)
        exact = [
            each
            for each in active
            if isinstance(each, Crop) or (isinstance(each, Move) and not sampled)
        ]
        images, masks = _move_exactly(images, masks, exact, rng)
        return _sample(images, masks, active, rng) if sampled else (images, masks)

    def _paint(self, images: Tensor, rng: Generator) -> Tensor:
        """Step 3: transforms of the pixels' values."""
        for each in self.transforms:
            if each.active and isinstance(each, Paint):
                images = each.paint(images, rng)
        return images

    def __str__(self) -> str:
        return "+".join(map(str, self.transforms)) or "none"


def augment_for(text: str, size: Sequence[int]) -> Augment:
    """Read the text as `parse` does; `auto` gives what usually suits pictures of this size.

    They are cropped at random places, by an eighth of the side and 4 pixels at most, and mirrored;
    what is not a picture stays as it is.

    Raises:
        UsageError: as `parse`, or these transforms cannot be done to examples on such a grid.
    """
    if text == AUTO:
        pixels = min(4, min(size) // 8) if len(size) == 2 else 0
        crop = (Crop(pixels),) if pixels else ()
        return Augment((*crop, Flip()) if len(size) == 2 else ())
    augment = parse(text)
    augment.check_size(size)
    return augment


def parse(text: str) -> Augment:
    """Read `none`, `flip`, `crop:4+flip`, `rotate:10+scale:0.1+shift:2+elastic:34:4`: names joined
    by `+`, each followed by its numbers (in the order of its fields) after colons.

    Raises:
        UsageError: a name is unknown, or a number is missing, extra or impossible.
    """
    parts = [part.strip() for part in text.split("+")]
    return Augment(tuple(_parse_one(part) for part in parts if part != "none"))


def _parse_one(part: str) -> Transform:
    name, *numbers = (piece.strip() for piece in part.split(":"))
    if name not in KINDS:
        raise UsageError(f"There is no augmentation '{name}'.{nearest(name, [*KINDS, 'none'])}")
    every = KINDS[name].settings()
    least = sum(each.default is MISSING for each in every)
    if not least <= len(numbers) <= len(every):
        usage = ":".join([name, *(each.name.upper() for each in every)])
        raise UsageError(f"'{part}' has {len(numbers)} numbers; write it as {usage}.")
    return KINDS[name](*(e.read(text) for e, text in zip(every, numbers, strict=False)))


def _move_exactly(
    images: Tensor, masks: Tensor | None, moves: Sequence[Move], rng: Generator
) -> tuple[Tensor, Tensor | None]:
    """Move by copying pixels; masks go along as one more channel, so that one draw moves both."""
    if not moves:
        return images, masks
    # A class is a whole number below 256, which no float type of images rounds.
    moved = images if masks is None else torch.cat([images, masks[:, None].to(images.dtype)], 1)
    for each in moves:
        moved = each.move(moved, rng)
    return (moved, None) if masks is None else (moved[:, :-1], moved[:, -1].to(masks.dtype))


def _sample(
    images: Tensor, masks: Tensor | None, active: Sequence[Transform], rng: Generator
) -> tuple[Tensor, Tensor | None]:
    """Apply every affine map and displacement in one sampling."""
    count, _, h, w = images.shape
    matrices = [each.matrix(count, rng) for each in active if isinstance(each, Affine)]
    waves = [each.displacement(count, h, w, rng) for each in active if isinstance(each, Elastic)]
    matrix = reduce(torch.matmul, matrices, torch.eye(3, device=rng.device).expand(count, 3, 3))
    displacement = sum(waves[1:], waves[0]) if waves else None
    moved = warp(images, matrix, displacement)
    if masks is None:
        return moved, None
    classes = warp(masks[:, None].float(), matrix, displacement, "nearest")
    return moved, classes[:, 0].to(masks.dtype)


def _in_format_of(like: Tensor, images: Tensor) -> Tensor:
    """The images in the memory format of others."""
    if like.dim() != 4:
        return images
    channels_last = like.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return images.contiguous(memory_format=layout)
