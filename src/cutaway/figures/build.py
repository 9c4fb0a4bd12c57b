"""Series and pictures from numbers and tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Num, Shaped
from torch import Tensor

from cutaway.figures.data import Images, Pixels, Series, Style

Numbers = Sequence[float | int] | Shaped[np.ndarray, "_"] | Shaped[Tensor, "_"]


def line(name: str, x: Numbers, y: Numbers, dots: bool = False, style: Style = "line") -> Series:
    """A series of exact values."""
    return Series(name, numbers(x), numbers(y), style="dots" if dots else style)


def images(
    title: str,
    pictures: Float[Tensor, "n h w *c"] | Num[Tensor, "n h w *c"],
    names: Sequence[str] = (),
    columns: int = 8,
    caption: str = "",
) -> Images:
    """Pictures from bytes, or from numbers of 0 (black) to 1 (white)."""
    x = pictures.detach().cpu()
    x = (x.clamp(0, 1) * 255).round() if x.is_floating_point() else x
    x = (x[..., None] if x.ndim == 3 else x).to(torch.uint8)
    height, width, channels = x.shape[1:]
    pixels = tuple(Pixels(height, width, channels, one.numpy().tobytes()) for one in x)
    return Images(title, pixels, tuple(names) or ("",) * len(pixels), columns, caption)


def numbers(values: Numbers) -> tuple[float, ...]:
    """Any sequence of numbers as a tuple of floats."""
    return tuple(map(float, values))
