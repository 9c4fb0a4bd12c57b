"""Copies among images, searched once and kept in the cache."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data import cache
from cutaway.data.duplicates import VERSION, exact, near
from cutaway.data.elsewhere import Elsewhere
from cutaway.data.imageset import ImageSet
from cutaway.errors import DataError

MIN_CACHED = 10_000
"""Number of images from which on the search takes seconds and is cached."""
LABELS = "labels.npy"


class Copies(NamedTuple):
    """A cluster number for each image, as `duplicates.exact` and `duplicates.near` give."""

    exact: Int[Tensor, " n"]
    near: Int[Tensor, " n"]


def copies(images: ImageSet, notify: Callable[[str], None]) -> Copies:
    """Exact and near copies, from the cache where the same images were searched before.

    Args:
        notify: told what is being looked for, in a few words.
    """
    pixels = images.images
    if isinstance(pixels, Elsewhere) and len(pixels) == pixels.rows.count:
        return Copies(*pixels.rows.copies)
    if len(images) < MIN_CACHED:
        return _find(images, notify)

    try:
        return _cached(images, lambda: _find(images, notify))
    except DataError:  # a cache that cannot be written is no reason not to train
        return _find(images, notify)


def keep(images: ImageSet, found: Copies) -> None:
    """Put into the cache what was found among the same images elsewhere."""
    with suppress(DataError):
        _cached(images, lambda: found)


def _cached(images: ImageSet, find: Callable[[], Copies]) -> Copies:
    """From the cache, or found and put there. Raises DataError where it cannot be written."""

    def build(folder: Path) -> dict[str, Any]:
        labels = torch.stack(find()).numpy()
        np.save(folder / LABELS, labels)
        return {"bytes": (folder / LABELS).stat().st_size}

    key = cache.digest("copies", VERSION, images.fingerprint)
    place, _ = cache.entry(key, build, _is_complete)
    return Copies(*torch.from_numpy(np.load(place / LABELS)))


def _find(images: ImageSet, notify: Callable[[str], None]) -> Copies:
    notify("looking for exact copies")
    same = exact(images.images)
    if images.noun == "image":
        notify("looking for near copies")
    return Copies(same, near(images.images, same))


def _is_complete(place: Path, note: dict[str, Any]) -> bool:
    try:
        return (place / LABELS).stat().st_size == note["bytes"]
    except OSError:
        return False
