"""Until when a training goes on."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from cutaway.errors import UsageError
from cutaway.studio.wire import Message

if TYPE_CHECKING:
    from cutaway.learn.training import Training

Condition = Callable[["Training"], bool]
"""Asked before each step whether to stop there."""


def after_steps(training: "Training", count: int) -> Condition:
    end = training.step + count
    return lambda now: now.step >= end


def after_epochs(training: "Training", count: int) -> Condition:
    end = len(training.rows) + count
    return lambda now: len(now.rows) >= end


def met(training: "Training", asked: Message) -> Condition:
    """Until a figure of the epochs lies above or below a number.

    Raises:
        UsageError: the epochs have no such figure, or no number is given.
    """
    name, begun = str(asked.get("metric", "")), len(training.rows)
    sides = [(side, asked[side]) for side in ("above", "below") if side in asked]
    if (
        len(sides) != 1
        or not isinstance(sides[0][1], int | float)
        or not math.isfinite(sides[0][1])
    ):
        raise UsageError("Say above or below which number.")
    side, limit = sides[0]
    known = sorted(k for row in training.rows[-1:] for k in row if k.startswith(("train_", "val_")))
    if known and name not in known:
        raise UsageError(f"There is no figure '{name}': there are {', '.join(known)}.")

    def reached(now: "Training") -> bool:
        if len(now.rows) <= begun or name not in now.rows[-1]:
            return False
        value = now.rows[-1][name]
        return bool(value > limit if side == "above" else value < limit)

    return reached
