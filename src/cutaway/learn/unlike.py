"""Images that are unlike all that a network learned from, told by the features that it has of them.

An image is far where even those of many training images are that are nearest to it, by the angle
between what goes into the network's last layer for the one and for the other. The limit is a
distance that few validation images exceed, so that as few ordinary images are called unlike. Of
NumPy alone, since the command line predicts without torch.

Source: Sun et al. 2022, 'Out-of-distribution detection with deep nearest neighbors', equation 3.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from cutaway.files import read_json, write_json, write_whole

FACTS, BANK = "unlike.json", "unlike.safetensors"
FLAGGED = 0.05
"""The share of ordinary images that may be called unlike."""
NEEDED = ceil(1 / FLAGGED - 1 - 1e-9)
"""Validation images below which there is no such limit."""
NEIGHBOUR = 5
"""Which of the nearest training images the distance is taken to (docs/trust.md compares them)."""
ROUNDING = 1e-3
"""Distances below this are those of features in 16 bits."""
KNOWN, NUMBERS = 1000, 2**22
"""Training images, and numbers of their features, that are kept at most."""


@dataclass(frozen=True)
class Familiar:
    """Features of images that a network learned from.

    Attributes:
        known: float16 n d, a row an image, each of length 1.
        limit: the distance from which on an image is unlike them.
        layer: the name of the layer whose inputs the features are.
    """

    known: np.ndarray
    limit: float
    layer: str

    @classmethod
    def fitted(cls, known: np.ndarray, validation: np.ndarray, layer: str) -> "Familiar | None":
        """Keep the features of training images (n d), and set the limit by validation images (m d).

        None where these are too few, or features that are alike or not finite tell nothing.
        """
        rank = ceil((1 - FLAGGED) * (len(validation) + 1) - 1e-9)
        if rank > len(validation) or len(known) < NEIGHBOUR:
            return None
        kept = _directions(known).astype(np.float16)
        limit = float(np.sort(_distances(kept, validation))[rank - 1])
        return cls(kept, limit, layer) if np.isfinite(limit) and limit > ROUNDING else None

    def unlikeness(self, z: np.ndarray) -> np.ndarray:
        """How far images with these features (b d) are, by the limit: above 1 they are unlike."""
        return _distances(self.known, z) / self.limit

    def save(self, run: Path, facts: dict[str, Any]) -> None:
        """Write both files of a run; `facts` go beside the limit."""
        from safetensors.numpy import save

        write_whole(run / BANK, save({"known": self.known}))
        write_json(run / FACTS, {"limit": self.limit, "layer": self.layer, **facts})

    @classmethod
    def of(cls, run: Path) -> "Familiar | None":
        """Read them again; None where a run has none."""
        from safetensors.numpy import load_file

        if not (facts := facts_of(run)):
            return None
        return cls(load_file(run / BANK)["known"], facts["limit"], facts["layer"])


def facts_of(run: Path) -> dict[str, Any]:
    """The limit, and what share of the test images is beyond it; empty where a run has none."""
    return dict(read_json(run / FACTS)) if (run / FACTS).exists() else {}


def room(width: int) -> int:
    """How many training images are kept, of features with so many numbers each."""
    return max(1, min(KNOWN, NUMBERS // width))


def _directions(z: np.ndarray) -> np.ndarray:
    z = z.astype(np.float64)
    unit: np.ndarray = z / np.linalg.norm(z, axis=1, keepdims=True).clip(1e-10)
    return unit


def _distances(known: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The distance of each row of z (b d) from its `NEIGHBOUR`-th nearest known one."""
    z, known = _directions(z), known.astype(np.float64)
    square = (z**2).sum(1)[:, None] + (known**2).sum(1) - 2 * z @ known.T
    nearest = np.partition(square, NEIGHBOUR - 1, 1)[:, NEIGHBOUR - 1]
    distances: np.ndarray = np.sqrt(nearest.clip(0))
    return distances
