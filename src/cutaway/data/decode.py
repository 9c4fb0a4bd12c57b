"""Decode one picture to pixels."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from cutaway.data.frame import Frame
from cutaway.data.picture import LIMIT, Unreadable, read, silenced

__all__ = ["Unreadable", "decode", "decode_to"]


def decode(
    source: Path | str | bytes, size: int | None, channels: int, limit: int = LIMIT
) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of a picture as a viewer would show them, on white, 8 bits a channel.

    Args:
        source: a file, or the content of one.
        size: side of the middle square (see `frame`); None keeps the picture as it is.
        channels: 1 for grey, 3 for red, green, blue.
        limit: pixels that its header may promise.

    Raises:
        Unreadable: it is missing, empty, no picture, truncated, or too large.
    """
    return decode_to(source, Frame(channels, (size, size) if size else None), limit)


def decode_to(
    source: Path | str | bytes, frame: Frame, limit: int = LIMIT
) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of a picture, brought to `frame`. Raises what `decode` does."""
    with silenced():
        picture = read(source if isinstance(source, bytes) else str(source), frame, limit)
    pixels = np.frombuffer(bytearray(picture.pixels), np.uint8)  # a bytearray may be written to
    return pixels.reshape(picture.height, picture.width, frame.channels)
