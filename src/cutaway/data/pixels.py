"""Cache entries that hold images: raw bytes in one file, and a note about them."""

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data import cache

PIXELS = "images.raw"
PixelsAndNote = tuple[np.ndarray, dict[str, Any]]


def stored(
    key: str, make: Callable[[], PixelsAndNote]
) -> tuple[UInt8[Tensor, "n ..."], dict[str, Any]]:
    """Images (mapped) and note of a cache entry; `make` returns both where there is none yet."""

    def build(folder: Path) -> dict[str, Any]:
        images, note = make()
        with open(folder / PIXELS, "wb") as file:
            file.write(np.ascontiguousarray(images).data)
        return {**note, "shape": list(images.shape)}

    place, note = cache.entry(key, build, is_complete)
    return mapped(place, note), note


def mapped(place: Path, note: dict[str, Any]) -> UInt8[Tensor, "n ..."]:
    """The pixels of an entry, mapped: writing to the tensor never reaches the file."""
    file = str(place / PIXELS)
    return torch.from_file(file, False, _size(note), dtype=torch.uint8).view(note["shape"])


def is_complete(place: Path, note: dict[str, Any]) -> bool:
    """Whether the pixels that the note describes are all there."""
    try:
        return (place / PIXELS).stat().st_size == _size(note)
    except OSError:
        return False


def _size(note: dict[str, Any]) -> int:
    return prod(note["shape"])
