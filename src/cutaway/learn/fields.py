"""A setting: its explanation, the values that it may have, and how text is read as one.

Such are the fields of a recipe and the parameters of an experiment. Nothing heavy is imported.
"""

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from cutaway.errors import UsageError
from cutaway.learn import synonyms
from cutaway.learn.synonyms import flag

Scalar = bool | int | float | str
Value = Scalar | Sequence[object] | Mapping[str, object]
"""The value of a setting, as TOML and JSON hold it."""
Options = dict[str, Value]
"""Settings by name: of a model, a task or an optimizer, or fields of a recipe."""

TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
"""Words for true and false, in small letters."""


@dataclass(frozen=True)
class Setting:
    """A value that one may choose: low <= x <= high and x > above, or one of the choices.

    Attributes:
        kind: its type: `int`, `float`, `bool`, `str`, `Options` or `list[Options]`.
        many: it is a tuple of such values, with commas between them in text.
        help, panel: what it is for, and among which others it is listed.
        of_task: it is for some tasks only, as an attribute of theirs.
    """

    name: str
    kind: Any
    default: Any
    help: str = ""
    panel: str = ""
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    many: bool = False
    of_task: bool = False

    def parse(self, value: Any) -> Any:
        """A value, or its text, as this setting's type. Raises UsageError where it is none."""
        if not self.many:
            return read(self.name, value, self.kind)
        parts = value if isinstance(value, tuple | list) else str(value).split(",")
        if not parts:
            raise UsageError(f"{flag(self.name)} takes one value at least.")
        return tuple(read(self.name, one, self.kind) for one in parts)

    def check(self, value: Any) -> None:
        """Raise UsageError where it is not among the choices, or out of range."""
        for one in value if self.many else (value,):
            check(self.name, one, vars(self))

    def read(self, value: Any) -> Any:
        """A value, or its text, as this setting's type and within its limits; UsageError else."""
        parsed = self.parse(value)
        self.check(parsed)
        return parsed


def setting(default: Any, help: str, panel: str, **limits: Any) -> Any:
    """A field of a dataclass that is a setting; what `limits` holds are fields of `Setting`."""
    metadata = {"default": default, "help": help, "panel": panel, **limits}
    if isinstance(default, dict | list):
        return field(default_factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_of(kind: type) -> dict[str, Setting]:
    """The settings that a dataclass has for its fields, by name and in their order."""
    hints = typing.get_type_hints(kind)
    return {
        spec.name: Setting(spec.name, hints[spec.name], **spec.metadata) for spec in fields(kind)
    }


def read(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type that a field `name` is annotated with; text is parsed.

    Raises:
        UsageError: text that cannot be read so.
    """
    kind = typing.get_origin(hint) or hint
    if kind is dict:
        return _read_options(name, value)
    if kind is list:
        return _read_tables(name, value)
    if kind is str:
        return str(value)
    if kind is bool:
        return _read_truth(name, value)
    try:
        if isinstance(value, bool) or (kind is int and float(value) != int(float(value))):
            raise ValueError
        return kind(float(value)) if kind is int else kind(value)
    except (TypeError, ValueError, OverflowError):
        noun = "a whole number" if kind is int else "a number"
        raise UsageError(f"{flag(name)} takes {noun}, not {value!r}.") from None


def _read_truth(name: str, value: Any) -> bool:
    """True or false as they are, or in words."""
    truth = TRUTHS.get(str(value).lower())
    if truth is None:
        raise UsageError(f"{flag(name)} takes yes or no, not {value!r}.")
    return truth


def _read_tables(name: str, value: Any) -> list[Options]:
    """A list of mappings as it is."""
    if not (isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)):
        raise UsageError(
            f"'{name}' takes a list of tables, [[{name}]] in a recipe.toml, not {value!r}."
        )
    return [dict(one) for one in value]


def _read_options(name: str, value: Any) -> Options:
    """A mapping as it is, or text `a=1,b=x` as one."""
    if isinstance(value, Mapping):
        return dict(value)
    pairs = [part.partition("=") for part in str(value).split(",") if part]
    if not all(equals and key for key, equals, _ in pairs):
        raise UsageError(f"{flag(name)} takes name=value,name=value, not {value!r}.")
    return {key.strip(): read_value(text.strip()) for key, _, text in pairs}


def read_value(text: str) -> Scalar:
    """An option's text as a whole number, a number, true or false, or itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(text.lower(), text)


def check(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Refuse what a field cannot be.

    Raises:
        UsageError: a value that is not among its choices, or out of its range.
    """
    if limits["choices"] and value not in limits["choices"]:
        hint = synonyms.value(str(value), limits["choices"])
        raise UsageError(f"{flag(name)} cannot be '{value}'.{hint}")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    low, high, above = limits["low"], limits["high"], limits["above"]
    if not (low <= value <= high and value > above and math.isfinite(value)):
        floor = f"above {above:g}" if above > low else f"at least {low:g}"
        ceiling = "" if high == math.inf else f" and at most {high:g}"
        raise UsageError(f"{flag(name)} must be {floor}{ceiling}, not {value:g}.")
