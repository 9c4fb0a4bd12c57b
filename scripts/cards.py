"""Make the pictures on the cards of the studio anew: what the networks of the cards have learned.

    CUTAWAY_DATA=... python scripts/cards.py [xor kernels ...]

Each is trained as its card says, most of them for an epoch, and what a panel of the studio shows
of it is drawn small, with nothing behind it, so that it stands on a light page and on a dark one.
Half an hour on two cores. Some cards have a drawing that needs no training: a fan of curves, the
digits themselves, a network.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cutaway import api
from cutaway.figures import Curves, Images, Plane
from cutaway.learn.run import Run
from cutaway.studio.read_scene import ReadScene
from cutaway.studio.views import views_of

PAGE = Path(__file__).parents[1] / "src" / "cutaway" / "studio" / "page"
WIDE, TALL, FINE = 320, 160, 2
"""Pixels of a card, of which each is so many of its picture along a side."""
BLUE, ORANGE = (63, 116, 214), (221, 119, 34)
HUES = (BLUE, ORANGE, (44, 142, 68), (196, 57, 77), (126, 87, 194), (0, 140, 150), (150, 110, 40),
        (200, 80, 160), (110, 120, 135), (150, 160, 30))  # fmt: skip
Picture = Image.Image
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Made:
    """A picture: the training, what is shown of it, and how that is drawn."""

    model: str
    data: str
    view: str
    draw: Callable[[Any], Picture]
    fields: dict[str, Any] = field(default_factory=dict)


def canvas() -> Picture:
    return Image.new("RGBA", (WIDE * FINE, TALL * FINE))


def plane(figure: Plane) -> Picture:
    """Decision regions, over all of the card, with their examples."""
    n = figure.n
    classes, sure = (
        np.frombuffer(one, np.uint8).reshape(n, n)[::-1] for one in (figure.classes, figure.margin)
    )
    pixels = np.zeros((n, n, 4), np.uint8)
    pixels[..., :3] = np.array(HUES, np.uint8)[classes % len(HUES)]
    pixels[..., 3] = (150 * (sure / 255) ** 0.6).astype(np.uint8)
    size = WIDE * FINE, TALL * FINE
    ground = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    pen, (low, high) = ImageDraw.Draw(ground), (np.array(figure.low), np.array(figure.high))
    for *place, k in figure.points:
        x, y = (np.array(place) - low) / (high - low) * size
        disc(pen, x, size[1] - y, 6 * FINE, HUES[k], (255, 255, 255))
    return ground


def disc(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, colour: Any, rim: Any) -> None:
    pen.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=rim, width=FINE)


def dots(figure: Curves) -> Picture:
    """A map of codes: a dot for each image."""
    picture = canvas()
    pen = ImageDraw.Draw(picture)
    x, y = (np.array([v for one in figure.series for v in getattr(one, axis)]) for axis in "xy")
    for k, one in enumerate(figure.series):
        for a, b in zip(one.x, one.y, strict=True):
            across = (0.08 + 0.84 * (a - x.min()) / np.ptp(x)) * WIDE * FINE
            down = (0.92 - 0.84 * (b - y.min()) / np.ptp(y)) * TALL * FINE
            disc(pen, across, down, 2.2 * FINE, HUES[k % len(HUES)], None)
    return picture


def tiles(columns: int, rows: int, tinted: Callable[[Bytes], Bytes]) -> Callable[[Images], Picture]:
    """Some pictures in rows.

    Args:
        tinted: from their bytes `(h, w, c)` to colours with opacity `(h, w, 4)`.
    """

    def draw(figure: Images) -> Picture:
        picture, gap = canvas(), 6 * FINE
        side = min(TALL * FINE * 0.86 / rows, WIDE * FINE * 0.92 / columns) - gap
        left = (WIDE * FINE - columns * side - (columns - 1) * gap) / 2
        top = (TALL * FINE - rows * side - (rows - 1) * gap) / 2
        for k, one in enumerate(figure.pictures[: columns * rows]):
            pixels = np.frombuffer(one.data, np.uint8).reshape(one.height, one.width, one.channels)
            tile = Image.fromarray(tinted(pixels))
            tile = tile.resize((round(side), round(side)), Image.Resampling.NEAREST)
            place = left + (k % columns) * (side + gap), top + (k // columns) * (side + gap)
            picture.paste(tile, (round(place[0]), round(place[1])))
        return picture

    return draw


def ink(pixels: Bytes) -> Bytes:
    """Bright is blue, dark is nothing."""
    grey = pixels[..., :1]
    return np.concatenate(
        [np.broadcast_to(np.array(BLUE, np.uint8), (*grey.shape[:2], 3)), grey], 2
    )


def signed(pixels: Bytes) -> Bytes:
    """Weights above 0 are blue, below it orange, at 0 nothing."""
    value = pixels[..., 0].astype(float) / 127.5 - 1
    colour = np.where((value > 0)[..., None], np.array(BLUE), np.array(ORANGE))
    return np.concatenate([colour, 255 * np.abs(value)[..., None]], 2).round().astype(np.uint8)


def colours(pixels: Bytes) -> Bytes:
    """As they are."""
    full = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    return np.concatenate([np.broadcast_to(pixels, (*pixels.shape[:2], 3)), full], 2)


def lit(pixels: Bytes) -> Bytes:
    """As they are, with what is dark as nothing."""
    most = pixels.max(2, keepdims=True)
    bright = pixels * (255 / np.maximum(most, 1))
    return np.concatenate([bright, most], 2).round().astype(np.uint8)


def whole(figure: Images) -> Picture:
    """One picture over all of the card."""
    (one,) = figure.pictures
    pixels = np.frombuffer(one.data, np.uint8).reshape(one.height, one.width, one.channels)
    picture = Image.fromarray(pixels if one.channels > 1 else pixels[..., 0]).convert("RGB")
    tall = round(one.width * TALL / WIDE)
    top = max(0, (one.height - tall) // 2)
    picture = picture.crop((0, top, one.width, top + tall))
    return picture.resize((WIDE, TALL), Image.Resampling.LANCZOS)


ONE = {"epochs": 1}
PICTURES = {
    "xor": Made("mlp", "xor", "regions", plane),
    "perceptron": Made("perceptron", "and", "regions", plane),
    "kernels": Made("lenet5", "mnist", "filters", tiles(3, 2, signed), ONE),
    "rebuilt": Made("conv_autoencoder", "mnist", "pictures", tiles(4, 2, ink), {"epochs": 4}),
    "codes": Made("vae", "mnist", "codes", dots, {"epochs": 3}),
    "samples": Made("dcgan", "mnist", "pictures", tiles(4, 2, ink), {"epochs": 2}),
    "masks": Made("unet", "scenes", "pictures", tiles(4, 2, lit), ONE),
    "siren": Made("siren", "china", "pictures", whole),
    "residual": Made("resnet20", "cifar10", "filters", tiles(8, 2, colours), ONE),
    "plain": Made("plain20", "cifar10", "filters", tiles(8, 2, colours), ONE),
}


def make(name: str) -> None:
    """Train, and draw what it has learned."""
    made = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        run = api.fit(made.model, made.data, out=Path(folder) / name, progress=False, **made.fields)
        picture = made.draw(shown(Run(run.path), made))
    to = PAGE / f"card-{name}.webp"
    picture.save(to, lossless=made.draw not in (plane, whole), quality=90, method=6)
    print(f"{to.name}: {to.stat().st_size / 1000:.0f} kB", flush=True)


def shown(run: Run, made: Made) -> Any:
    """The figure of a panel."""
    scene = ReadScene(run, run.images())
    view = views_of(scene)[made.view]
    return view.draw(scene, view.chosen(scene, {}))[-1]


def main() -> None:
    for name in sys.argv[1:] or PICTURES:
        make(name)


if __name__ == "__main__":
    main()
