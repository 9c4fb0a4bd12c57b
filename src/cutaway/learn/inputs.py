"""Inputs of a prediction, one after the other: files, folders, patterns, tables, and pictures and
arrays in memory."""

import re
from collections.abc import Iterator
from glob import iglob
from io import BytesIO
from os import PathLike, fspath
from os.path import exists, expanduser, isdir, isfile, splitext
from pathlib import Path
from typing import Any

from PIL import Image

from cutaway.data.frame import Levels
from cutaway.data.heic import ENDINGS
from cutaway.data.picture import FORMATS
from cutaway.data.stream import Input
from cutaway.data.walk import ARCHIVES, in_order, natural
from cutaway.errors import DataError, UsageError

TABLE = re.compile(r"(.+\.(?:csv|tsv|parquet))(?::(.+))?", re.IGNORECASE)
"""A table, and the column of its pictures: `photos.csv:file`."""


def read_inputs(images: Any, levels: Levels | None = None) -> Iterator[Input]:
    """Every picture of what was handed in, in order, each found when it is asked for.

    Args:
        images: a path, a folder (every picture below it), a pattern such as `photos/*.jpg`, a table
            that names or holds pictures (`photos.csv`, `photos.csv:file` for a column), encoded
            bytes, a picture of PIL, an array (h w or h w c) or a tensor (h w or c h w) of bytes or
            of fractions 0..1, a batch of them with one axis more, an image set, or a list or an
            iterator of such.
        levels: what stands for black and white in arrays of whole numbers of more than 8 bits.

    Raises:
        UsageError: it is none of these.
        DataError: an array that holds no picture, or a table that cannot be read.
    """
    for place, one in enumerate(_each(images, levels)):
        yield Input(one.name or f"image {place}", one.source)


def is_many(images: Any) -> bool:
    """Whether many pictures may be meant, so that one which cannot be read is no reason to answer
    none."""
    if isinstance(images, str | PathLike):
        text = fspath(images)
        return _is_folder(text) or bool(TABLE.fullmatch(text)) or _is_pattern(text)
    return not isinstance(images, bytes | Image.Image)


def _each(images: Any, levels: Levels | None) -> Iterator[Input]:
    if isinstance(images, str | PathLike):
        yield from _of_path(fspath(images))
    elif isinstance(images, bytes | bytearray | memoryview):
        yield Input("", bytes(images))
    elif isinstance(images, Image.Image):
        yield Input("", encoded(images))
    elif isinstance(images, list | tuple | Iterator):
        for one in images:
            yield from _each(one, levels)
    else:
        yield from _in_memory(images, levels)


def _of_path(text: str) -> Iterator[Input]:
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise UsageError(f"{text} is an address: download the picture, and give its path.")
    if _is_folder(text):
        yield from _of_folder(text)
    elif text.lower().endswith(ARCHIVES) and isfile(expanduser(text)):
        raise UsageError(f"{text} is an archive: unpack it, and name the folder.")
    elif _is_pattern(text):
        yield from _of_pattern(text)
    elif table := TABLE.fullmatch(text):
        from cutaway.data.table_pictures import table_pictures

        pictures = table_pictures(Path(table[1]).expanduser(), table[2] or "")
        yield from (Input(name, source) for name, source in pictures)
    else:
        yield Input(text, expanduser(text))


def _is_folder(text: str) -> bool:
    return isdir(expanduser(text))


def _is_pattern(text: str) -> bool:
    """Whether a path has a wildcard, and is not itself the name of a file."""
    return any(sign in text for sign in "*?[") and not exists(expanduser(text))


def _of_folder(text: str) -> Iterator[Input]:
    files = in_order(Path(text).expanduser(), text.rstrip("/\\"))
    yield from _pictures(files, f"There is no picture in the folder {text}, or below it.")


def _of_pattern(text: str) -> Iterator[Input]:
    found = sorted(iglob(expanduser(text), recursive=True), key=natural)
    files = (path for path in found if not isdir(path))
    yield from _pictures(files, f"There is no picture whose name fits {text}.")


def _pictures(files: Iterator[str], none: str) -> Iterator[Input]:
    """The files with the ending of a picture. Raises UsageError where there are none."""
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    endings |= set(ENDINGS)
    any_found = False
    for file in files:
        if splitext(file)[1].lower() in endings:
            any_found = True
            yield Input(file, expanduser(file))
    if not any_found:
        raise UsageError(none)


def _in_memory(images: Any, levels: Levels | None) -> Iterator[Input]:
    """Arrays, tensors and image sets, for which torch may be loaded."""
    import numpy as np
    from torch import Tensor

    from cutaway.data.imageset import ImageSet

    if isinstance(images, ImageSet):
        pairs = zip(images.names, images.images, strict=True)
        yield from (Input(name, encoded(one.numpy())) for name, one in pairs)
    elif isinstance(images, np.ndarray | Tensor):
        rows = images if images.ndim == 4 else [images]
        yield from (Input("", encoded(_pixels(one, levels))) for one in rows)
    else:
        raise UsageError(
            f"A {type(images).__name__} is not a picture: give paths, a folder, encoded bytes, "
            "pictures of PIL, arrays (h w c) or tensors (c h w)."
        )


def _pixels(image: Any, levels: Levels | None) -> Any:
    """The bytes h w c of an array or a tensor. Raises DataError where it holds no picture."""
    from cutaway.data.image import pixels_of
    from cutaway.data.unreadable import Unreadable

    if not (image.ndim in (2, 3) and 0 not in image.shape):
        raise DataError(
            f"An image has the shape h w, h w c or c h w, not {' '.join(map(str, image.shape))}."
        )
    try:
        return pixels_of(image, None, levels)
    except Unreadable as problem:
        raise DataError(problem.sentence) from None


def encoded(picture: Any) -> bytes:
    """A picture of PIL, or bytes h w c, as the content of a file, so that all are read in one
    way."""
    from PIL import ImageOps

    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    picture = ImageOps.exif_transpose(picture)
    kind = "PNG" if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16") else "TIFF"
    file = BytesIO()
    picture.save(file, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return file.getvalue()
