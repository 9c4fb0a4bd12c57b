"""Many small pictures as one."""

from io import BytesIO
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cutaway.files import write_whole, writing

GAP, PAPER = 2, 128


def grid(pictures: UInt8[Tensor, "n h w c"], columns: int = 0) -> UInt8[Tensor, "height width c"]:
    """Pictures side by side, in as many columns as rows unless told, with a gap of two pixels."""
    n, h, w, c = pictures.shape
    columns = columns or min(n, max(1, round(n**0.5)))
    rows = -(-n // columns)
    sheet = torch.full((rows * (h + GAP) - GAP, columns * (w + GAP) - GAP, c), PAPER).byte()
    for i, picture in enumerate(pictures):
        top, left = i // columns * (h + GAP), i % columns * (w + GAP)
        sheet[top : top + h, left : left + w] = picture
    return sheet


def in_bytes(x: Float[Tensor, "n c *grid"]) -> UInt8[Tensor, "n *grid c"]:
    """Values in 0..1 as pixels."""
    return (x.float().clamp(0, 1) * 255).round().byte().movedim(1, -1).cpu()


def palette(classes: int) -> UInt8[Tensor, "k 3"]:
    """A colour a class: black for the first (the background), then hues far from each other."""
    from colorsys import hls_to_rgb

    golden = (5**0.5 - 1) / 2
    colours = [(0.0, 0.0, 0.0)]
    colours += [
        hls_to_rgb(0.58 + k * golden, (0.55, 0.7, 0.45)[k % 3], 0.8) for k in range(classes - 1)
    ]
    return (torch.tensor(colours[:classes]) * 255).round().byte()


def png(picture: UInt8[Tensor, "h w c"]) -> bytes:
    """A grey or colour picture as PNG (two channels as the first of them)."""
    from PIL import Image

    pixels = picture if picture.shape[2] == 3 else picture[:, :, 0]
    file = BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG", optimize=True)
    return file.getvalue()


def save_picture(path: Path, pictures: UInt8[Tensor, "n h w c"], columns: int = 0) -> None:
    """Write pictures as one PNG, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    write_whole(path, png(grid(pictures, columns)))


def save_mask(path: Path, mask: UInt8[Tensor, "h w"], classes: int) -> None:
    """Write class numbers as a PNG with a palette, so that it shows colours and holds numbers.

    Raises:
        RunError: it cannot be written.
    """
    from PIL import Image

    size = mask.shape[1], mask.shape[0]
    picture = Image.frombytes("P", size, mask.contiguous().numpy().tobytes())
    picture.putpalette(palette(classes).flatten().tolist())
    file = BytesIO()
    picture.save(file, "PNG")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, file.getvalue())
