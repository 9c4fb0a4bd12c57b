"""Inputs of a prediction: files, folders, encoded bytes, pictures and arrays in memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from cutaway.data.files import natural, walk
from cutaway.data.frame import Levels
from cutaway.data.heic import ENDINGS
from cutaway.data.image import pixels_of
from cutaway.data.imageset import ImageSet
from cutaway.data.picture import FORMATS
from cutaway.data.unreadable import Unreadable
from cutaway.errors import DataError, UsageError
from cutaway.learn.card import DataCard


@dataclass(frozen=True)
class Input:
    """One picture that a network is asked about: a file or encoded bytes, and what it is called."""

    name: str
    source: Path | bytes

    def pixels(self, card: DataCard) -> UInt8[Tensor, "h w c"]:
        """As the network takes it. Raises DataError."""
        return card.pixels(self.source)


def collect_inputs(images: Any, levels: Levels | None = None) -> list[Input]:
    """Collect every picture of what was handed in, in order.

    Args:
        images: a path, a folder (every picture below it), encoded bytes, a picture of PIL, an array
            (h w or h w c) or a tensor (h w or c h w) of bytes or of fractions 0..1, a batch of them
            with one axis more, an image set, or a list of such.
        levels: what stands for black and white in arrays of whole numbers of more than 8 bits.

    Raises:
        UsageError: it is none of these.
        DataError: an array that holds no picture.
    """
    inputs = list(_each(images, "", levels))
    return [Input(one.name or f"image {place}", one.source) for place, one in enumerate(inputs)]


def is_many(images: Any) -> bool:
    """Whether many pictures were asked about, so that one which cannot be read is no reason to
    answer none."""
    return not isinstance(images, str | PathLike | bytes | Image.Image) or _is_folder(images)


def _each(images: Any, name: str, levels: Levels | None) -> Iterator[Input]:
    if isinstance(images, str | PathLike):
        yield from _of_path(fspath(images))
    elif isinstance(images, bytes | bytearray | memoryview):
        yield Input(name, bytes(images))
    elif isinstance(images, Image.Image):
        yield Input(name, encoded(images))
    elif isinstance(images, ImageSet):
        names = zip(images.names, images.images, strict=True)
        yield from (Input(name, encoded(one.numpy())) for name, one in names)
    elif isinstance(images, list | tuple):
        for one in images:
            yield from _each(one, "", levels)
    elif isinstance(images, np.ndarray | Tensor):
        yield from _of_array(images, levels)
    else:
        raise UsageError(
            f"A {type(images).__name__} is not a picture: give paths, a folder, encoded bytes, "
            "pictures of PIL, arrays (h w c) or tensors (c h w)."
        )


def _of_path(text: str) -> Iterator[Input]:
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise UsageError(f"{text} is an address: download the picture, and give its path.")
    path = Path(text).expanduser()
    if not _is_folder(path):
        yield Input(text, path)
        return
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    endings |= set(ENDINGS)
    files = sorted(walk(path, text.rstrip("/\\")), key=natural)
    pictures = [file for file in files if Path(file).suffix.lower() in endings]
    if not pictures:
        raise UsageError(f"There is no picture in the folder {path}, or below it.")
    yield from (Input(file, Path(file).expanduser()) for file in pictures)


def _is_folder(what: Any) -> bool:
    return isinstance(what, str | PathLike) and Path(what).expanduser().is_dir()


def _of_array(images: np.ndarray | Tensor, levels: Levels | None) -> Iterator[Input]:
    """One picture, or with an axis more a batch of them."""
    rows = images if images.ndim == 4 else [images]
    yield from (Input("", encoded(_pixels(one, levels))) for one in rows)


def _pixels(image: np.ndarray | Tensor, levels: Levels | None) -> UInt8[np.ndarray, "h w c"]:
    """Raises DataError where it holds no picture."""
    if not (image.ndim in (2, 3) and 0 not in image.shape):
        raise DataError(
            f"An image has the shape h w, h w c or c h w, not {' '.join(map(str, image.shape))}."
        )
    try:
        return pixels_of(image, None, levels)
    except Unreadable as problem:
        raise DataError(problem.sentence) from None


def encoded(picture: Image.Image | UInt8[np.ndarray, "h w c"]) -> bytes:
    """A picture in memory as the content of a file, so that all are read in one way."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    picture = ImageOps.exif_transpose(picture)
    kind = "PNG" if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16") else "TIFF"
    file = BytesIO()
    picture.save(file, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return file.getvalue()
