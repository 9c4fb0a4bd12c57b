"""Reading a run's rows, one an epoch."""

from collections.abc import Sequence

from cutaway.learn.tasks import metric

Row = dict[str, int | float]
"""A line of `metrics.jsonl`: `epoch`, `step`, `lr`, `train_NAME` and `val_NAME` of each metric,
and `stage` (from 1) where there are several."""


def best(rows: Sequence[Row], monitor: str) -> Row:
    """The row with the best `val-loss`, `val-accuracy` or the like, the first of equals."""
    name = monitor.replace("-", "_")
    return min(rows, key=lambda row: -metric(name).sign * row[name])


def selected(rows: Sequence[Row], monitor: str, patience: int) -> Row:
    """The row whose weights are the run's: the best under early stopping, else the last."""
    return best(rows, monitor) if patience else rows[-1]
