"""A setting: its explanation, the values that it may have, and how text is read as one.

Such are the fields of a recipe, the numbers of an augmentation and the parameters of an experiment.
Nothing heavy is imported.
"""

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from cutaway.errors import UsageError, nearest

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
        default: its value where none is given; MISSING where one must be.
        many: it is a tuple of such values, with commas between them in text.
        help, panel: what it is for, and among which others it is listed.
        of: whose it is, in sentences about it: `crop`; an option of a command where it is empty.
        of_task: it is for some tasks only, as an attribute of theirs.
        synonyms: what others call each choice, with spaces between, for the sentence that refuses.
        words: texts that stand for a value, which need not be within the limits: `auto` for 0.
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
    of: str = ""
    of_task: bool = False
    synonyms: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        return f"'{self.name}' of {self.of}" if self.of else flag(self.name)

    def read(self, value: Any) -> Any:
        """A value, or its text, as this setting's type and within its limits; UsageError else."""
        parsed = self.parse(value)
        self.check(parsed)
        return parsed

    def parse(self, value: Any) -> Any:
        """A value, or its text, as this setting's type. Raises UsageError where it is none."""
        if not self.many:
            return self._parse(value)
        parts = value if isinstance(value, tuple | list) else str(value).split(",")
        if not parts:
            raise UsageError(f"{self.label} takes one value at least.")
        return tuple(map(self._parse, parts))

    def check(self, value: Any) -> None:
        """Raise UsageError where it is not among the choices, or out of range."""
        for one in value if self.many else (value,):
            self._check(one)

    def _parse(self, value: Any) -> Any:
        kind = typing.get_origin(self.kind) or self.kind
        if isinstance(value, str) and value.lower() in self.words:
            return self.words[value.lower()]
        if kind is dict:
            return self._options(value)
        if kind is list:
            return self._tables(value)
        if kind is str:
            return str(value)
        return self._truth(value) if kind is bool else self._number(value)

    def _number(self, value: Any) -> int | float:
        whole = self.kind is int
        try:
            number = float(value)
            if isinstance(value, bool) or (whole and number != int(number)):
                raise ValueError
            return int(number) if whole else number
        except (TypeError, ValueError, OverflowError):
            noun = "a whole number" if whole else "a number"
            raise UsageError(f"{self.label} takes {noun}, not {value!r}.") from None

    def _truth(self, value: Any) -> bool:
        """True or false as they are, or in words."""
        truth = TRUTHS.get(str(value).lower())
        if truth is None:
            raise UsageError(f"{self.label} takes yes or no, not {value!r}.")
        return truth

    def _tables(self, value: Any) -> list[Options]:
        """A list of mappings as it is."""
        if not (isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)):
            raise UsageError(
                f"'{self.name}' takes a list of tables, [[{self.name}]] in a recipe.toml, "
                f"not {value!r}."
            )
        return [dict(one) for one in value]

    def _options(self, value: Any) -> Options:
        """A mapping as it is, or text `a=1,b=x` as one."""
        if isinstance(value, Mapping):
            return dict(value)
        pairs = [part.partition("=") for part in str(value).split(",") if part]
        if not all(equals and key for key, equals, _ in pairs):
            raise UsageError(f"{self.label} takes name=value,name=value, not {value!r}.")
        return {key.strip(): read_value(text.strip()) for key, _, text in pairs}

    def _check(self, value: Any) -> None:
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.label} cannot be '{value}'.{self._nearest(str(value))}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            return
        if value in self.words.values():
            return
        low, high, above = self.low, self.high, self.above
        if not (low <= value <= high and value > above and math.isfinite(value)):
            floor = f"above {above:g}" if above > low else f"at least {low:g}"
            ceiling = "" if high == math.inf else f" and at most {high:g}"
            raise UsageError(f"{self.label} must be {floor}{ceiling}, not {value:g}.")

    def _nearest(self, word: str) -> str:
        """What to write instead of a choice that is not known, to append to a sentence."""
        for ours, words in self.synonyms.items():
            if word.lower() in words.split():
                return f" Did you mean '{ours}'?"
        return nearest(word, self.choices)


def setting(default: Any = MISSING, help: str = "", panel: str = "", **more: Any) -> Any:
    """A field of a dataclass that is a setting; what `more` holds are fields of `Setting`."""
    metadata = {"default": default, "help": help, "panel": panel, **more}
    if isinstance(default, dict | list):
        return field(default_factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_of(kind: type, of: str = "") -> dict[str, Setting]:
    """The settings that a dataclass has for its fields, by name and in their order.

    Args:
        of: see `Setting`.
    """
    hints = typing.get_type_hints(kind)
    return {
        spec.name: Setting(spec.name, hints[spec.name], of=of, **spec.metadata)
        for spec in fields(kind)
    }


def read_value(text: str) -> Scalar:
    """An option's text as a whole number, a number, true or false, or itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(text.lower(), text)


def as_tuples(value: Any) -> Any:
    """A value of JSON with tuples, as settings have them, for its lists."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def flag(name: str) -> str:
    """The name of a field or an option on the command line."""
    return "--" + name.replace("_", "-")
