"""Sentences of claims as HTML: code as code, and numbers that are not torn apart."""

import re
from typing import TYPE_CHECKING

from cutaway.show.words import MINUS, SPACE

if TYPE_CHECKING:
    from markupsafe import Markup

CODE = re.compile(r"`([^`]+)`")
SIGN = re.compile(r"(?<![^\s(^=/])-(?=[\w.(])|(?<=\de)-(?=\d)|(?<= )-(?= )")
"""A minus: before a number or symbol, in 1e-8, or between two; no hyphen, no option."""
TIMES = re.compile(r"(?<=\d) x (?=\d)")


def prose(text: str) -> "Markup":
    """`code` in its own type, a true minus, 8 x 8 and 5 % on one line; all else is escaped."""
    from markupsafe import Markup, escape

    parts = CODE.split(text)
    parts[::2] = [str(escape(_whole(part))) for part in parts[::2]]
    parts[1::2] = [f"<code>{escape(part)}</code>" for part in parts[1::2]]
    return Markup("".join(parts))


def _whole(text: str) -> str:
    text = SIGN.sub(MINUS, text).replace(" %", f"{SPACE}%")
    return TIMES.sub(f"{SPACE}\N{MULTIPLICATION SIGN}{SPACE}", text)
