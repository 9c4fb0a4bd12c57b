"""A picture of somebody's own: as it comes to the server, and as it goes to a network."""

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.decode import Unreadable, decode_to
from cutaway.data.frame import Frame
from cutaway.errors import UsageError

MEGABYTES = 20
PIXELS = 50_000_000
"""The largest file and the largest picture that are taken."""


def decoded(content: str, frame: Frame, limit: int = PIXELS) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of a picture file, in base64, brought to a frame.

    Args:
        limit: pixels of the file's own picture, at most.

    Raises:
        UsageError: it is too large, or no picture.
    """
    try:
        return decode_to(b64decode(content, validate=True), frame, limit)
    except Unreadable as problem:
        raise UsageError(problem.sentence) from None
    except ValueError:
        raise UsageError("What came is no picture.") from None


def framed(content: str, frame: Frame) -> dict[str, Any]:
    """A picture file, in base64, as a network's process takes it. Raises what `decoded` does."""
    if len(content) * 3 / 4 > MEGABYTES * 1e6:
        raise UsageError(f"The file has more than {MEGABYTES} MB: give a smaller picture.")
    pixels = decoded(content, frame)
    height, width, channels = pixels.shape
    data = b64encode(pixels.tobytes()).decode()
    return {"height": height, "width": width, "channels": channels, "data": data}


def picture_of(picture: dict[str, Any] | None) -> UInt8[Tensor, "h w c"] | None:
    """What `framed` gave, as pixels."""
    if picture is None:
        return None
    data = torch.frombuffer(bytearray(b64decode(picture["data"])), dtype=torch.uint8)
    return data.view(picture["height"], picture["width"], picture["channels"])
