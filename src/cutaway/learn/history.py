"""Reading a run's rows, one an epoch."""

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]


HIGHER = ("accuracy", "iou", "psnr", "sure", "variety")
"""Measures of which more is better; of the others less is."""

SHARES = ("accuracy", "top5", "error", "iou", "sure")
"""How the names of measures between 0 and 1 end."""


def share(name: str) -> bool:
    """Whether a measure's values lie between 0 and 1."""
    return name.endswith(SHARES)


def better(name: str) -> int:
    """1 where a higher value of a figure such as `val_accuracy` is better, else -1."""
    return 1 if name.endswith(HIGHER) else -1


def best(rows: Sequence[Row], monitor: str) -> Row:
    """The row with the best `val-loss`, `val-accuracy` or the like, the first of equals."""
    name = monitor.replace("-", "_")
    return min(rows, key=lambda row: -better(name) * row[name])


def kept(rows: Sequence[Row], monitor: str, patience: int) -> Row:
    """The row whose weights are the run's: the best under early stopping, else the last."""
    return best(rows, monitor) if patience else rows[-1]
