"""An axis as plain data: its label, scale and ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cutaway.figures.serialization import Plain

Places = tuple[tuple[float, str], ...]
"""Values along an axis, each with its text."""


@dataclass(frozen=True)
class Axis(Plain):
    """An axis of a figure.

    Attributes:
        label: with the unit in brackets.
        scale: `log` has equal ratios as equal steps; `auto` does so where all values are above 0
            and the largest is more than 30 times the smallest.
        zero: begins at 0, unless a value is below; else at the values' own smallest.
        share: values from 0 to 1, written in per cent.
        whole: whole numbers, such as epochs.
        low, high: its ends, where the values do not give them; what lies beyond is drawn there.
        names: of what stands at 1, 2, 3 ..., in place of numbers.
    """

    label: str
    scale: Literal["linear", "log", "auto"] = "linear"
    zero: bool = False
    share: bool = False
    whole: bool = False
    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()


if TYPE_CHECKING:
    Labelled = Axis
else:
    Labelled = Axis | str
    """An axis, or its label alone, of which a figure makes one."""


def as_axis(axis: Axis | str, log: bool = False) -> Axis:
    """An axis; a text is taken as its label."""
    return axis if isinstance(axis, Axis) else Axis(axis, "log" if log else "linear")
