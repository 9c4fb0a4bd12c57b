"""Pictures that the tests of this folder make."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random bytes h w c."""
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def image(height: int, width: int, channels: int = 3, seed: int = 0) -> Image.Image:
    """A random image in mode L or RGB."""
    pixels = noise(height, width, channels, seed)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def smooth(height: int, width: int) -> Image.Image:
    """A colour image without sharp edges, which JPEG keeps nearly as it is."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [y / height, x / width, (x + y) / (height + width)]
    return Image.fromarray((np.stack(planes, -1) * 255).astype(np.uint8))


def encoded(picture: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """The content of a file."""
    content = BytesIO()
    picture.save(content, format, **options)
    return content.getvalue()


def write(root: Path, name: str, picture: Image.Image | bytes, **options: object) -> Path:
    """Save an image, or raw content, as `root/name`."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, bytes):
        path.write_bytes(picture)
    else:
        picture.save(path, **options)
    return path


def two_classes(root: Path, each: int = 3, size: int = 12, channels: int = 3) -> Path:
    """A folder with classes a and b of random PNG files."""
    for k, name in enumerate("ab"):
        for i in range(each):
            write(root, f"{name}/{i}.png", image(size, size, channels, seed=100 * k + i))
    return root
