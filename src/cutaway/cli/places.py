"""Parse nodes, parts of them and numbers as a user types them."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from torch import Tensor

from cutaway.cli.drawing import shape
from cutaway.errors import UsageError

MAX_NAMES = 5
"""Number of nodes that a sentence names."""

Part = tuple[int | slice, ...]
"""An index into a tensor; empty for all of it."""


def find(name: str, names: Iterable[str]) -> str:
    """Check a node's name; UsageError with similar ones where there is no such node."""
    names = list(names)
    if name in names:
        return name
    if not name:
        raise UsageError("Which node? `list` shows them.")
    like = [other for other in names if other.startswith(name)]
    like = like or [other for other in names if name in other]
    like = like or get_close_matches(name, names, MAX_NAMES)
    hint = f"Did you mean {listed(like, 'or')}?" if like else "`list` shows them."
    raise UsageError(f"There is no node '{name}'. {hint}")


def listed(names: list[str], word: str = "and") -> str:
    """`a, b and c`; of many the first few."""
    if len(names) > MAX_NAMES:
        return f"{', '.join(names[:MAX_NAMES])} {word} {len(names) - MAX_NAMES} more"
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def read_part(text: str) -> tuple[str, Part]:
    """`c1.u[0,:,3]` as `c1.u` and (0, all, 3)."""
    name, bracket, rest = text.strip().partition("[")
    if not bracket:
        return name, ()
    words = [word.strip() for word in rest.removesuffix("]").split(",")]
    if not rest.endswith("]") or not all(re.fullmatch(r"-?\d{1,9}|:", word) for word in words):
        raise UsageError(
            f"'{text}' is not a part of a node: write whole numbers and colons, {name}[0,:,3]."
        )
    return name, tuple(slice(None) if word == ":" else int(word) for word in words)


def select(name: str, x: Tensor, part: Part) -> Tensor:
    """A part of a node's tensor; UsageError where it has no such part."""
    try:
        return x[part]
    except IndexError:
        raise UsageError(f"'{name}' is {shape(x)}: there is no such part in it.") from None


def read_change(text: str) -> tuple[str, float]:
    """Parse `c1.u[0, 1] = 0.5`, with or without the sign, as a target and its new value."""
    match = re.fullmatch(r"([^\s=\[]+(?:\[[^\]]*\])?)(?:\s*=\s*|\s+)(\S+)", text.strip())
    if match is None:
        raise UsageError("Write a node and a number: set c1.u 0, or set c1.u[0,:,3] 0.5")
    return match[1], read_number(match[2])


def read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' is not a number.") from None
