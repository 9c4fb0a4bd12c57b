"""A folder of pictures on which resizing in another way shows: real files in every mode."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = [(97, 131), (301, 17), (240, 240), (61, 400), (19, 23), (350, 349), (50, 3), (128, 200)]


def drawn(kind: int, height: int, width: int, seed: int) -> np.ndarray:
    """Fine stripes, diagonals, or smooth colours with a little noise."""
    y, x = np.mgrid[:height, :width]
    if kind == 0:
        grey = 255 * (x // (2 + seed % 3) % 2)
    elif kind == 1:
        grey = 255 * (((5 + seed) * x + 7 * y) // 13 % 2)
    else:
        grey = 200 * y / height + 50 * np.random.default_rng(seed).random((height, width))
    shades = np.array([1.0, 0.8, 0.5]) if seed % 2 else np.array([0.6, 1.0, 0.9])
    return (grey[..., None] * shades).astype(np.uint8)


def every_mode(root: Path) -> Path:
    """24 in three classes: JPEG, PNG, grey, transparent, palette, CMYK, 16 bits, turned."""
    for kind, name in enumerate(("stripes", "diagonals", "smooth")):
        (root / name).mkdir(parents=True)
        for i, (height, width) in enumerate(SIZES):
            image = Image.fromarray(drawn(kind, height, width, i))
            _save(image, root / name, i)
    return root


def _save(image: Image.Image, folder: Path, i: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = Image.linear_gradient("L").resize(image.size)
    if i == 0:
        image.save(folder / "turned.jpg", quality=92, exif=exif)
    elif i == 1:
        image.convert("L").save(folder / "grey.png")
    elif i == 2:
        image.putalpha(alpha)
        image.save(folder / "transparent.png")
    elif i == 3:
        image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    elif i == 4:
        image.quantize(50).save(folder / "palette.png")
    elif i == 5:
        image.save(folder / "large.jpg", quality=90)
    elif i == 6:
        values = np.asarray(image.convert("L")).astype(np.uint16) * 16
        Image.fromarray(values).save(folder / "deep.png")
    else:
        image.save(folder / "plain.jpg", subsampling=0)
