"""Errors that a user can fix, as sentences.

Every error that a user can cause is a `CutawayError`: its text says what is wrong and what to do,
and the command line prints that text alone. Anything else that escapes is a fault of ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CutawayError(ValueError):
    """An error that the user can fix; `exit_code` is the one of the command line."""

    exit_code = 1


class UsageError(CutawayError):
    """A request that cannot be carried out as written (exit code 2)."""

    exit_code = 2


class DataError(CutawayError):
    """The data cannot be used: missing, empty, of one class only, not images."""


class RunError(CutawayError):
    """A run directory or checkpoint cannot be written, read or trusted."""


class TrainingError(CutawayError):
    """Training cannot go on, for instance because a loss is not finite."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the choice most like `word`, or the list of choices, to append to a
    message."""
    choices = sorted(choices)
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    found = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if found:
        return f" Did you mean '{lowered[found[0]]}'?"
    return f" Choose one of: {', '.join(choices)}."
