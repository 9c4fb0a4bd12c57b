"""Sentences of claims as HTML: code as code, and numbers that are not torn apart."""

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from cutaway.show.words import HYPHEN, MINUS, SPACE

if TYPE_CHECKING:
    from markupsafe import Markup

CODE = re.compile(r"`([^`]+)`")
POWER = re.compile(r"(?<=\de)([+-])0*(?=\d)")
"""The sign of an exponent: 1e-08 is 1e−8, and 1e+10 is 1e10."""
SIGN = re.compile(r"(?<![^\s(^=/])-(?=[\w.(])|(?<= )-(?= )|(?<=\(\w)-(?=\w\))")
"""A minus: before a number or symbol, or between two; no hyphen, no option."""
TIMES = re.compile(r"(?<=[\d)]) x (?=[\d(])|(?<=\w) x (?=\d)|(?<=\b\w) x (?=\w\b)")
UNIT = re.compile(r"(?<=[\d)]) (?=(?:%|s|ms|min|dB|kB|MB)(?!\w))")
NUMBERED = re.compile(r"(?<=\b\d)-(?=\d{1,2}\b)")
"""The hyphen of a figure's or algorithm's number, `4-1`."""
MICRO = re.compile(r"(?<=\()us(?=[,)])")
LOOSE = re.compile(f" (?={MINUS} |/ )|(?<= {MINUS}) ")
"""Spaces about a minus and before a stroke, where no line ends."""


def prose(text: str) -> "Markup":
    """`code` in its own type, a true minus, 8 x 8 and 5 % on one line; all else is escaped."""
    from markupsafe import Markup, escape

    parts = CODE.split(text)
    parts[::2] = [str(escape(typeset(part))) for part in parts[::2]]
    parts[1::2] = [f"<code>{escape(part)}</code>" for part in parts[1::2]]
    return Markup("".join(parts))


def typeset(value: Any) -> Any:
    """The same with every text in it, such as a figure's or a table's, as `prose` has it."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, tuple):
        return tuple(map(typeset, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: typeset(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def _whole(text: str) -> str:
    text = POWER.sub(lambda match: MINUS if match[1] == "-" else "", text)
    text = UNIT.sub(SPACE, SIGN.sub(MINUS, text))
    text = TIMES.sub(f"{SPACE}\N{MULTIPLICATION SIGN}{SPACE}", text)
    text = MICRO.sub("\N{MICRO SIGN}s", LOOSE.sub(SPACE, text))
    return NUMBERED.sub(HYPHEN, text)
