"""The settings of an experiment: its function's keyword parameters, read by type and range."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from cutaway.errors import UsageError, nearest
from cutaway.settings import Setting


@dataclass(frozen=True)
class Range:
    """The least and the largest value of a number: `depth: Annotated[int, Range(1, 200)]`."""

    low: float = -math.inf
    high: float = math.inf


Replicates = Annotated[int, Range(2, 100_000)]
Seed = Annotated[int, Range(0, 2**31 - 1)]
Steps = Annotated[int, Range(1, 1_000_000)]
Batch = Annotated[int, Range(1, 1000)]
Rate = Annotated[float, Range(1e-6, 100)]
Width = Annotated[int, Range(1, 4096)]
Depth = Annotated[int, Range(1, 200)]
"""Settings of many experiments; a setting with a range of its own says so."""


def parameters(experiment: Callable[..., Any]) -> dict[str, Setting]:
    """The settings of an experiment by name."""
    hints = get_type_hints(experiment, include_extras=True)
    settings = {}
    for name, parameter in inspect.signature(experiment).parameters.items():
        assert parameter.default is not parameter.empty, f"{name} has no quick value"
        settings[name] = _setting(name, hints.get(name, type(parameter.default)), parameter.default)
    return settings


def _setting(name: str, hint: Any, default: Any) -> Setting:
    """A setting from its annotation: `int`, `float`, `bool`, `str`, `Literal[...]`, one of them
    with a range, or a tuple of one of them."""
    kind, outer = _bare(hint)
    many = get_origin(kind) is tuple
    kind, inner = _bare(get_args(kind)[0]) if many else (kind, None)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    limits = inner or outer or Range()
    return Setting(
        name, str if choices else kind, default,
        choices=choices, low=limits.low, high=limits.high, many=many,
    )  # fmt: skip


def _bare(hint: Any) -> tuple[Any, Range | None]:
    """A type without its marks, and the range among them."""
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *marks = get_args(hint)
    return kind, next((mark for mark in marks if isinstance(mark, Range)), None)


def settle(number: str, known: Mapping[str, Setting], *given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting's value: the default, changed by each mapping in turn.

    Raises:
        UsageError: an unknown setting (the nearest is offered), or a value that it cannot have.
    """
    values = {name: setting.default for name, setting in known.items()}
    for changes in given:
        for name, value in changes.items():
            if name not in known:
                there = nearest(name, known) if known else " It has none."
                raise UsageError(f"Claim {number} has no setting '{name}'.{there}")
            values[name] = known[name].read(value)
    return values
