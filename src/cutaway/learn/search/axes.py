"""The values to try for one field: numbers of a range, or a few values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cutaway.errors import UsageError
from cutaway.settings import Scalar

DECADE = 10
"""Ratio of a rate's ends from which on its values are drawn by ratios."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`.

    Attributes:
        log: whether equal ratios are equally likely, and not equal steps.
        whole: whole numbers only.
        relative: whether they are multiples of what the recipe would have otherwise.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    relative: bool = False

    @property
    def ends(self) -> tuple[float, ...]:
        return (self.low, self.high)

    @property
    def points(self) -> Sequence[Scalar]:
        """All values, where they can be counted."""
        return range(int(self.low), int(self.high) + 1) if self.whole else ()

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A few values without an order."""

    values: tuple[Scalar, ...]
    relative = False

    @property
    def ends(self) -> tuple[Scalar, ...]:
        return self.values

    @property
    def points(self) -> Sequence[Scalar]:
        return self.values

    def __contains__(self, value: object) -> bool:
        return value in self.values


Axis = Range | Choice


def to_dict(axis: Axis) -> dict[str, object]:
    """Plain values, for JSON."""
    return asdict(axis)


def from_dict(values: Mapping[str, Any]) -> Axis:
    """Read what `to_dict` gave."""
    return Choice(tuple(values["values"])) if "values" in values else Range(**values)


def read(name: str, wish: Any, kind: type) -> Axis:
    """The axis that is wished for.

    Args:
        wish: two numbers as a tuple for a range, or a list of values.
        kind: the type of the field's values.

    Raises:
        UsageError: it is neither, or impossible.
    """
    if isinstance(wish, tuple) and len(wish) == 2:
        if kind not in (int, float):
            raise UsageError(f"'{name}' is not a number, so that it has no range: list its values.")
        return _range(name, *wish, whole=kind is int)
    if not isinstance(wish, list | tuple):
        raise UsageError(f"'{name}' takes a range (0.001, 0.1) or a list of values, not {wish!r}.")
    values = tuple(dict.fromkeys(_plain(name, value) for value in wish))
    if len(values) < 2:
        raise UsageError(f"To search over '{name}', give at least two values, or a range a..b.")
    return Choice(values)


def _range(name: str, low: Any, high: Any, whole: bool) -> Range:
    said = f"{name}={low}..{high}"
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
            raise UsageError(f"{said} is not a range: '{end}' is not a number.")
        if whole and end != int(end):
            raise UsageError(f"{said}: '{name}' takes whole numbers, and {end} is none.")
    if low >= high:
        raise UsageError(f"{said} holds nothing to try: the lower end comes first, then a higher.")
    if whole:
        return Range(int(low), int(high), whole=True)
    return Range(float(low), float(high), log=_rate(name) and 0 < low * DECADE <= high)


def _rate(name: str) -> bool:
    """Whether a field is felt by ratios."""
    return name in ("lr", "weight_decay") or name.endswith("_rate")


def _plain(name: str, value: Any) -> Scalar:
    if not isinstance(value, str | int | float):
        raise UsageError(f"'{name}' can be tried with numbers and words, not with {value!r}.")
    return value
