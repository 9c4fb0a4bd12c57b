"""Several transforms at once, and how a recipe writes them."""

from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from functools import reduce

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from cutaway.data.augment.geometry import warp
from cutaway.data.augment.transforms import (
    KINDS,
    Affine,
    Crop,
    Elastic,
    Move,
    Paint,
    Transform,
    check,
)
from cutaway.errors import UsageError, nearest


@dataclass(frozen=True)
class Augment:
    """Some transforms, drawn anew for every image of a batch; `str` gives what `parse` reads.

    Attributes:
        transforms: what is done; none leaves the images as they are.
    """

    transforms: tuple[Transform, ...] = ()

    def __call__(
        self, images: Float[Tensor, "b c h w"], generator: Generator
    ) -> Float[Tensor, "b c h w"]:
        """A new variant of each image, in the same dtype and memory format.

        Args:
            images: in 0..1, not normalised.
            generator: where every random number comes from; fastest on the images' device.
        """
        active = [each for each in self.transforms if each.active]
        sampled = any(not isinstance(each, Move | Paint) for each in active)
        moved = images
        for each in active:
            if isinstance(each, Crop) or (isinstance(each, Move) and not sampled):
                moved = each.move(moved, generator)
        if sampled:
            moved = _sample(moved, active, generator)
        for each in active:
            if isinstance(each, Paint):
                moved = each.paint(moved, generator)
        channels_last = images.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        return moved.contiguous(memory_format=layout)

    def __str__(self) -> str:
        return "+".join(map(str, self.transforms)) or "none"


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
    every = fields(KINDS[name])
    least = sum(each.default is MISSING for each in every)
    if not least <= len(numbers) <= len(every):
        usage = ":".join([name, *(each.name.upper() for each in every)])
        raise UsageError(f"'{part}' has {len(numbers)} numbers; write it as {usage}.")
    return KINDS[name](*(_read(name, e, t) for e, t in zip(every, numbers, strict=False)))


def _read(name: str, each: Field, text: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"The {each.name} of {name} must be a number, not '{text}'.") from None
    check(name, each, value)
    return int(value) if each.type is int else value


def _sample(images: Tensor, active: Sequence[Transform], rng: Generator) -> Tensor:
    """Move the images by every affine map and displacement at once."""
    count, _, h, w = images.shape
    matrices = [each.matrix(count, rng) for each in active if isinstance(each, Affine)]
    waves = [each.displacement(count, h, w, rng) for each in active if isinstance(each, Elastic)]
    matrix = reduce(torch.matmul, matrices, torch.eye(3, device=rng.device).expand(count, 3, 3))
    return warp(images, matrix, sum(waves[1:], waves[0]) if waves else None)
