"""Shared code of the data sets of the catalogue, and the smallest of them."""

import gzip
from importlib import metadata, util
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data import cache
from cutaway.data.catalog import SOURCES
from cutaway.data.imageset import PARTS, ImageSet, Numbered
from cutaway.data.pixels import PixelsAndNote, stored

DIGITS = [str(digit) for digit in range(10)]


def named_set(
    name: str, images: UInt8[Tensor, "n *grid c"], note: dict[str, Any], classes: list[str]
) -> ImageSet:
    """An image set of the catalogue. `note` has `targets`, and `counts` of its parts if any."""
    counts: dict[str, int] = note.get("counts", {})
    numbers = [PARTS.index(part) for part in counts]
    return ImageSet(
        images=images,
        targets=torch.tensor(note["targets"]),
        classes=tuple(classes),
        names=[f"{name}/{part}/{i}" for part, count in counts.items() for i in range(count)]
        or Numbered(name, len(images)),
        parts=torch.tensor(numbers).repeat_interleave(torch.tensor([*counts.values()]))
        if counts
        else None,
        name=name,
        licence=SOURCES[name].licence,
    )


def digits() -> ImageSet:
    """The 1,797 digits of 8 x 8 pixels that scikit-learn ships, 0..16 brought to 0..255."""
    key = cache.digest("digits", 1, metadata.version("scikit-learn"))
    images, note = stored(key, _make_digits)
    return named_set("digits", images, note, DIGITS)


def _make_digits() -> PixelsAndNote:
    """Read scikit-learn's own file: importing scikit-learn would take longer than all else."""
    spec = util.find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(BytesIO(gzip.decompress(file.read_bytes())), delimiter=",")
    images = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8)
    return images.reshape(-1, 8, 8, 1), {"targets": table[:, -1].astype(int).tolist()}
