"""Runs that an earlier version of Cutaway began."""

from collections.abc import Mapping
from pathlib import Path

from cutaway.errors import RunError
from cutaway.learn.recipe import FORMAT


def expect_same_steps(values: Mapping[str, object], path: Path) -> None:
    """Refuse to go on with what would not end as it began.

    Args:
        values: the recipe's `to_dict` when it began.
        path: of the run, fleet or search.

    Raises:
        RunError: it was begun by a version of Cutaway whose steps were others.
    """
    if values.get("format") != FORMAT:
        raise RunError(
            f"{path} was begun by an earlier version of Cutaway with other batches and learning "
            "rates, so that resuming would not give the same result: train it again. What it has "
            "learned so far is still there."
        )
