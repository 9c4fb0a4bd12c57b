"""The settings of an experiment: its function's keyword parameters, read by type and range."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from cutaway.errors import UsageError, nearest
from cutaway.learn import fields
from cutaway.learn.synonyms import flag


@dataclass(frozen=True)
class Range:
    """What a number may be: `depth: Annotated[int, Range(1, 200)]`."""

    low: float = -math.inf
    high: float = math.inf


Replicates = Annotated[int, Range(2, 100_000)]
Seed = Annotated[int, Range(0, 2**31 - 1)]
Steps = Annotated[int, Range(1, 1_000_000)]
Batch = Annotated[int, Range(1, 1000)]
Rate = Annotated[float, Range(1e-6, 100)]
Width = Annotated[int, Range(1, 4096)]
Depth = Annotated[int, Range(1, 200)]
"""What many experiments can be given; a setting with a range of its own says so."""


@dataclass(frozen=True)
class Setting:
    """One parameter: an `int`, `float`, `bool`, `str` or `Literal[...]`.

    Attributes:
        many: it is a `tuple[int, ...]` or the like; text has commas.
    """

    name: str
    default: Any
    kind: Any
    range: Range
    many: bool = False

    def read(self, value: Any) -> Any:
        """A value, or its text, as this setting's type.

        Raises:
            UsageError: it cannot be read so, is no choice, or is out of range.
        """
        if not self.many:
            return self._one(value)
        parts = value if isinstance(value, tuple | list) else str(value).split(",")
        if not parts:
            raise UsageError(f"{flag(self.name)} takes one value at least.")
        return tuple(map(self._one, parts))

    def _one(self, value: Any) -> Any:
        if self.kind is bool:
            return self._truth(value)
        choices = get_args(self.kind) if get_origin(self.kind) is Literal else ()
        found = fields.read(self.name, value, str if choices else self.kind)
        limits = {"choices": choices, "low": self.range.low, "high": self.range.high}
        fields.check(self.name, found, limits | {"above": -math.inf})
        return found

    def _truth(self, value: Any) -> bool:
        found = fields.read_value(str(value))
        if not isinstance(found, bool):
            raise UsageError(f"{flag(self.name)} takes true or false, not {value!r}.")
        return found


def parameters(experiment: Callable[..., Any]) -> dict[str, Setting]:
    """The settings of an experiment by name."""
    hints = get_type_hints(experiment, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(experiment).parameters.items():
        assert parameter.default is not parameter.empty, f"{name} has no quick value"
        kind, outer = _bare(hints.get(name, type(parameter.default)))
        many = get_origin(kind) is tuple
        kind, inner = _bare(get_args(kind)[0]) if many else (kind, None)
        found[name] = Setting(name, parameter.default, kind, inner or outer or Range(), many)
    return found


def _bare(hint: Any) -> tuple[Any, Range | None]:
    """A type without its marks, and the range among them."""
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *marks = get_args(hint)
    return kind, next((mark for mark in marks if isinstance(mark, Range)), None)


def settle(number: str, known: Mapping[str, Setting], *given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting's value: the quick one, changed by what is given, the last one first.

    Raises:
        UsageError: an unknown setting (the nearest is offered), or a value that it cannot have.
    """
    found = {name: setting.default for name, setting in known.items()}
    for changes in given:
        for name, value in changes.items():
            if name not in known:
                there = nearest(name, known) if known else " It has none."
                raise UsageError(f"Claim {number} has no setting '{name}'.{there}")
            found[name] = known[name].read(value)
    return found
