"""Images inside a page, and the mistakes that are worth looking at."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.classification import Classification

MOST = 24
"""Mistakes that are shown."""
CRISP = 64
"""Images up to this many pixels wide are enlarged with sharp edges, pixel by pixel."""
LARGEST = 192
"""Larger ones are reduced to this many pixels, so that a page of them stays small."""

HEAVY, TILE = 250_000, 96
"""A sheet of more values than this is reduced to pictures of so many pixels a side."""
LONG = 9
"""A class with more letters gets the whole width of its card."""
GAP, PAPER = 2, 128
SIGNAL, BARS = (120, 60), 32
"""Width and height of a drawn signal; up to so many values are bars."""


@dataclass(frozen=True)
class Picture:
    """An image as a `data:` address; `crisp` where its pixels should be seen."""

    address: str
    width: int
    height: int
    crisp: bool


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Signal:
    """A signal as geometry: bars, lines, or bars below lines."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]
    width: int = SIGNAL[0]
    height: int = SIGNAL[1]


@dataclass(frozen=True)
class Guess:
    label: str
    probability: float
    true: bool


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: the picture, what it shows, and the most probable classes.

    Attributes:
        at: its position in the set.
    """

    at: int
    name: str
    picture: Picture | Signal
    truth: str
    guesses: tuple[Guess, ...]
    rest: Guess | None

    @property
    def answer(self) -> Guess:
        return self.guesses[0]


def picture(pixels: UInt8[Tensor, "h w c"], largest: int = LARGEST, crisp: int = CRISP) -> Picture:
    """Pixels as PNG where they are few, else as JPEG; of more than 3 channels the first 3.

    Args:
        largest: sides are reduced to this.
        crisp: up to so many pixels a side are few.
    """
    from PIL import Image

    channels = 3 if pixels.shape[2] >= 3 else 1
    array = pixels[..., :channels].squeeze(2).contiguous().numpy()
    image = Image.fromarray(array)
    image.thumbnail((largest, largest))
    few = max(image.size) <= crisp
    return _picture(image, "png" if few else "jpeg", few)


def sheet(pictures: UInt8[Tensor, "n h w c"], columns: int, apart: int = 0) -> Picture:
    """Small pictures side by side as one, gaps transparent, wider after every `apart` rows.

    Where they are many pixels in all they are reduced, and stored as JPEG.
    """
    from PIL import Image

    n, h, w, c = pictures.shape
    colour = "RGB" if c >= 3 else "L"
    columns, crisp = min(columns, n), max(h, w) <= CRISP and pictures.numel() <= HEAVY
    scale = 1.0 if crisp else min(1.0, TILE / max(h, w))
    width, height = max(1, round(w * scale)), max(1, round(h * scale))
    rows = -(-n // columns)
    tops = [row * (height + GAP) + (row // apart * 3 * GAP if apart else 0) for row in range(rows)]
    size = columns * (width + GAP) - GAP, tops[-1] + height
    paper = (
        Image.new(colour + "A", size, 0)
        if crisp
        else Image.new(colour, size, (PAPER,) * len(colour))
    )
    for i, pixels in enumerate(pictures):
        array = pixels[..., : 3 if c >= 3 else 1].squeeze(2).contiguous().numpy()
        tile = Image.fromarray(array).resize((width, height))
        paper.paste(tile.convert(paper.mode), (i % columns * (width + GAP), tops[i // columns]))
    return _picture(paper, "png" if crisp else "jpeg", crisp)


def _picture(image: Any, kind: str, crisp: bool) -> Picture:
    buffer = BytesIO()
    image.save(buffer, kind, **({"optimize": True} if kind == "png" else {"quality": 82}))
    data = b64encode(buffer.getvalue()).decode()
    width, height = image.size
    return Picture(f"data:image/{kind};base64,{data}", width, height, crisp)


def signal(*signals: UInt8[Tensor, "n c"]) -> Signal:
    """Signals drawn over each other, the first channel of each: bars for the first where it is
    short, lines for the others."""
    few = len(signals[0]) <= BARS
    values = [(s[:, 0].float() / 255).tolist() for s in signals]
    width = SIGNAL[0] / len(values[0])
    bars: tuple[Bar, ...] = ()
    if few:
        bars = tuple(
            Bar(i * width + 0.5, round(_up(v), 1), width - 1, round(_up(0) - _up(v), 1))
            for i, v in enumerate(values.pop(0))
        )
    lines = tuple(
        tuple((round((i + 0.5) * width, 1), round(_up(v), 1)) for i, v in enumerate(line))
        for line in values
    )
    return Signal(bars, lines)


def _up(value: float) -> float:
    """The height of a value of 0..1 in a signal's drawing."""
    return 2 + (SIGNAL[1] - 4) * (1 - value)


def example(values: UInt8[Tensor, "*grid c"], largest: int = LARGEST) -> Picture | Signal:
    """One example of any rank: a picture, a signal, or some frames of a video side by side.

    Args:
        largest: sides of a picture are reduced to this.
    """
    if values.ndim == 2:
        return signal(values)
    return picture(values, largest) if values.ndim == 3 else sheet(frames(values), 2)


def flat(examples: UInt8[Tensor, "n *grid c"]) -> UInt8[Tensor, "n h w c"]:
    """Examples of any rank as pictures: of a video its middle frame, a signal one pixel high."""
    if examples.ndim == 5:
        return examples[:, examples.shape[1] // 2]
    return examples[:, None] if examples.ndim == 3 else examples


def frames(video: UInt8[Tensor, "f h w c"], most: int = 6) -> UInt8[Tensor, "m h w c"]:
    """At most so many frames, in even steps from the first to the last."""
    count = min(most, len(video))
    return video[torch.linspace(0, len(video) - 1, count).round().long()]


def mistakes(result: Classification, images: ImageSet, most: int = MOST) -> list[Mistake]:
    """The mistakes in which the network was surest, that one first."""
    return [_mistake(result, images, row) for row in result.worst(most).tolist()]


def guess(result: Classification, row: int, label: int) -> Guess:
    """One class as the answer to an image."""
    probability = float(result.probabilities[row, label])
    return Guess(result.classes[label], probability, label == int(result.targets[row]))


def _mistake(result: Classification, images: ImageSet, row: int) -> Mistake:
    at, true = int(result.index[row]), int(result.targets[row])
    best = result.probabilities[row].topk(min(5, len(result.classes))).indices.tolist()
    return Mistake(
        at=at,
        name=images.names[at],
        picture=example(images.images[at]),
        truth=result.classes[true],
        guesses=tuple(guess(result, row, label) for label in best),
        rest=None if true in best else guess(result, row, true),
    )
