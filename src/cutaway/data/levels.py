"""Values of more than 8 bits as grey levels: one range for all pictures of a set, never one each.

Twelve bits of a camera or a scanner in a file of 16 would else be sixteen greys, and a range of
each picture's own would make equal what is bright in one and dark in another.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cutaway.data.frame import Levels


def extent(values: np.ndarray) -> Levels | None:
    """The minimum and the maximum of the finite values; None where there is none."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else None


def union(ranges: Iterable[Levels | None]) -> Levels:
    """The range that holds all others; 0 to 1 where there is none."""
    known = [one for one in ranges if one is not None]
    if not known:
        return 0.0, 1.0
    return min(low for low, _ in known), max(high for _, high in known)


def to_bytes(values: np.ndarray, levels: Levels) -> UInt8[np.ndarray, "..."]:
    """Values as 0..255; those beyond the levels are clipped, and what is no number is the
    minimum."""
    low, high = levels
    values = values.astype(np.float64)
    within = np.where(np.isnan(values), low, values).clip(low, high) - low
    return np.floor(within * (255 / ((high - low) or 1.0)) + 0.5).astype(np.uint8)


def type_levels(values: np.ndarray) -> Levels | None:
    """The values of black and white by the type alone; None where the values contradict it.

    Integers: 0 to 65535. Floats: 0 to 1, or 0 to 255 where one is above 1.
    """
    value_range = extent(values)
    if value_range is None:
        return 0.0, 1.0
    tops = (1.0, 255.0) if values.dtype.kind == "f" else (65535.0,)
    return next(((0.0, top) for top in tops if value_range[0] >= 0 and value_range[1] <= top), None)


def levels_text(levels: Levels) -> str:
    """`0 to 4095`, for a sentence."""
    low, high = (f"{value:.6g}" for value in levels)
    return f"{low} to {high}"


def scaling_note(levels: Levels) -> str:
    """The note that pictures of more than 8 bits were scaled alike; goes on from 'Pictures '."""
    return f"deeper than 8 bits: {levels_text(levels)}, the range that they share, became 0 to 255"


def levels_from_json(values: Any) -> Levels | None:
    """Check levels that were read from JSON."""
    return (float(values[0]), float(values[1])) if values else None
