"""Images inside a page, and the mistakes that are worth looking at."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.evaluate import Evaluation

MOST = 24
"""How many mistakes are shown."""
CRISP = 64
"""Images up to this many pixels wide are enlarged with sharp edges, pixel by pixel."""
LARGEST = 192
"""Larger ones are reduced to this many pixels, so that a page of them stays small."""


@dataclass(frozen=True)
class Picture:
    """An image as a `data:` address; `crisp` where its pixels should be seen."""

    address: str
    width: int
    height: int
    crisp: bool


@dataclass(frozen=True)
class Guess:
    label: str
    probability: float
    true: bool


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: the picture, what it shows, and the most probable classes."""

    name: str
    picture: Picture
    truth: str
    guesses: tuple[Guess, ...]
    rest: Guess | None

    @property
    def answer(self) -> Guess:
        return self.guesses[0]


def picture(pixels: UInt8[Tensor, "h w c"]) -> Picture:
    """Pixels as PNG where they are few, else as JPEG; of more than 3 channels the first 3."""
    from PIL import Image

    channels = 3 if pixels.shape[2] >= 3 else 1
    array = pixels[..., :channels].squeeze(2).contiguous().numpy()
    image = Image.fromarray(array)
    image.thumbnail((LARGEST, LARGEST))
    crisp = max(image.size) <= CRISP
    kind = "png" if crisp else "jpeg"
    buffer = BytesIO()
    image.save(buffer, kind, **({"optimize": True} if crisp else {"quality": 82}))
    data = b64encode(buffer.getvalue()).decode()
    return Picture(f"data:image/{kind};base64,{data}", *image.size, crisp)


def mistakes(found: Evaluation, images: ImageSet, most: int = MOST) -> list[Mistake]:
    """The mistakes in which the network was surest, that one first."""
    return [_mistake(found, images, row) for row in found.worst(most).tolist()]


def _mistake(found: Evaluation, images: ImageSet, row: int) -> Mistake:
    at, true = int(found.index[row]), int(found.targets[row])
    probabilities = found.probabilities[row]
    best = probabilities.topk(min(5, len(found.classes))).indices.tolist()

    def guess(label: int) -> Guess:
        return Guess(found.classes[label], float(probabilities[label]), label == true)

    return Mistake(
        name=images.names[at],
        picture=picture(images.images[at]),
        truth=found.classes[true],
        guesses=tuple(map(guess, best)),
        rest=None if true in best else guess(true),
    )
