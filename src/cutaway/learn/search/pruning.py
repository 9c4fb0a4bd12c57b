"""Giving up a trial that is not worth its time, and stopping a search."""

import math
from collections.abc import Callable

from cutaway.learn.callbacks import Callback
from cutaway.learn.history import Row
from cutaway.learn.search.search import Search
from cutaway.learn.training import Stopped, Training


class Pruned(Exception):
    """Raised at the end of an epoch from which on a trial is not worth its time."""


class Pruning(Callback):
    """Ends a training where `hopeless(epoch, objective)` says so; its last stage only is asked."""

    def __init__(self, objective: str, hopeless: Callable[[int, float], bool]):
        self.objective, self.hopeless = objective, hopeless

    def on_run_begin(self, training: Training) -> None:
        # Epochs from before an interruption.
        for epoch, value in objective_by_epoch(training, self.objective):
            self.hopeless(epoch, value)

    def on_epoch_end(self, training: Training, row: Row) -> None:
        figures = objective_by_epoch(training, self.objective)
        news = [pair for pair in figures if pair[0] == row["epoch"]]
        if news and not training.stage.ended and self.hopeless(*news[0]):
            raise Pruned


def objective_by_epoch(training: Training, objective: str) -> list[tuple[int, float]]:
    """(epoch, objective) in the last stage, as far as it was measured and is a number.

    Earlier stages measure something else.
    """
    last = training.stage.number + 1 == len(training.recipes)
    figures = [(int(row["epoch"]), row.get(objective)) for row in training.stage.rows if last]
    return [(e, float(v)) for e, v in figures if v is not None and math.isfinite(v)]


def stopped(search: Search) -> Stopped:
    done, wanted, _ = search.done
    return Stopped(
        f"Stopped with {done} of {wanted} trials done, as asked. "
        f"Go on with: cutaway resume {search.path}"
    )
