"""Frames that pictures are brought to: the one definition of resizing, which training, `predict`,
the server, every export and the page in a browser follow.

A picture becomes one of another size by two passes, each to 8 bits again: first every row to the
new width, then every column to the new height. A pass is bicubic (a = -0.5), antialiased, with
weights of 22 bits: Pillow's. `resampling` writes it out for tensors, `ship/page/resize.js` for a
browser; an ONNX file's Resize and PyTorch's interpolate agree with it to 1 of 255.
"""

from typing import Literal, NamedTuple

from PIL import Image

Fit = Literal["cut", "pad", "stretch"]
Levels = tuple[float, float]


class Frame(NamedTuple):
    """The channels, size, fit and levels that pictures are brought to.

    Attributes:
        channels: 1 for grey, 3 for red, green, blue.
        size: height and width; None keeps the picture's own.
        fit: what becomes of another shape. `cut`: the middle square, half a pixel up or left where
            there is no middle one. `pad`: the whole, its edge repeated until it is square.
            `stretch`: the whole, whatever its proportions.
        levels: values that become 0 and 255 where a picture has more than 8 bits; None for the
            least and the greatest of the file's type.
    """

    channels: int
    size: tuple[int, ...] | None = None
    fit: Fit = "cut"
    levels: Levels | None = None


Size = int | Frame | None
"""A requested size: the side of a square, a whole frame, or None."""


def fit_of(size: tuple[int, ...], fit: Fit = "cut") -> Fit:
    """The fit for this size: only a square is cropped or padded to."""
    return fit if len(size) == 2 and size[0] == size[1] else "stretch"


def middle_square(height: int, width: int) -> tuple[int, int, int]:
    """First row, first column and side of the middle square."""
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


def margins(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows above and below, columns left and right, that a picture lacks to be a square."""
    side = max(height, width)
    (above, left) = (side - height) // 2, (side - width) // 2
    return (above, side - height - above), (left, side - width - left)


def framed(image: Image.Image, size: tuple[int, ...] | None, fit: Fit) -> Image.Image:
    """An image of mode L or RGB at another height and width."""
    if size is None or image.size == (size[1], size[0]):
        return image
    if fit == "cut":
        top, left, side = middle_square(image.height, image.width)
        image = image.crop((left, top, left + side, top + side))
    elif fit == "pad":
        image = padded(image)
    return resampled(image, (size[1], size[0]))


def resampled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The whole image at a width and height. Pillow, asked for both at once, begins with either."""
    for target in ((size[0], image.height), size):
        if image.size != target:
            image = image.resize(target, Image.Resampling.BICUBIC)
    return image


def padded(image: Image.Image) -> Image.Image:
    """An image with its edge repeated until it is square."""
    if image.width == image.height:
        return image
    import numpy as np

    pixels = np.asarray(image)
    width = (*margins(image.height, image.width), (0, 0))
    return Image.fromarray(np.pad(pixels, width[: pixels.ndim], mode="edge"))
