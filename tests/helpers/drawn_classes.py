"""Pictures of two classes that mirroring mixes up, and of two that it leaves as they are."""

import torch

from cutaway.data.imageset import ImageSet, Numbered

SIDE = 24


def arrows(count: int, seed: int = 0) -> ImageSet:
    """Arrows to the left and to the right, at any place, of any length."""
    draw = torch.Generator().manual_seed(seed)
    images = [_arrow(i % 2 == 1, draw) for i in range(count)]
    return _set(images, ("left", "right"), "arrows")


def _arrow(right: bool, draw: torch.Generator) -> torch.Tensor:
    image = 0.15 * torch.rand(SIDE, SIDE, generator=draw)
    length, head = _whole(8, 12, draw), _whole(2, 5, draw)
    x, y = _whole(1, SIDE - length - 1, draw), _whole(5, SIDE - 5, draw)
    image[y, x : x + length] = 1.0
    for k in range(head):
        tip = x + length - 1 - k if right else x + k
        image[y - k, tip] = image[y + k, tip] = 1.0
    return image


def shapes(count: int, seed: int = 0) -> ImageSet:
    """Discs and squares, at any place, of any size."""
    draw = torch.Generator().manual_seed(seed)
    images = [_shape(i % 2 == 1, draw) for i in range(count)]
    return _set(images, ("disc", "square"), "shapes")


def _shape(square: bool, draw: torch.Generator) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    cy, cx, size = (_whole(low, high, draw) for low, high in ((7, 17), (7, 17), (4, 7)))
    y, x = (y - cy).abs(), (x - cx).abs()
    inside = torch.maximum(x, y) < size if square else x * x + y * y < size * size
    return 0.3 * torch.rand(SIDE, SIDE, generator=draw) + 0.6 * inside


def _set(images: list[torch.Tensor], classes: tuple[str, str], name: str) -> ImageSet:
    pixels = (255 * torch.stack(images)).to(torch.uint8)[..., None]
    return ImageSet(pixels, torch.arange(len(images)) % 2, classes, Numbered(name, len(images)))


def _whole(low: int, high: int, draw: torch.Generator) -> int:
    return int(torch.randint(low, high, (), generator=draw))
