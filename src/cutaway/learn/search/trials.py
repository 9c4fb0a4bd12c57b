"""The trials of a search, from the first to the last."""

import shutil
from collections.abc import Sequence

from cutaway.data.audit import Audit
from cutaway.data.imageset import ImageSet
from cutaway.learn import runtime as runtimes
from cutaway.learn.directory import training_lock
from cutaway.learn.execution import Execution
from cutaway.learn.search import sampling, space
from cutaway.learn.search.one_trial import Trainer
from cutaway.learn.search.pruning import stopped
from cutaway.learn.search.search import Search
from cutaway.learn.search.side_by_side import side_by_side
from cutaway.learn.search.space import Space, Values
from cutaway.learn.search.trial import Trial
from cutaway.learn.training import Stopped

TRIES = 20
"""Draws of a setting that was not tried before, until the first that was not is taken."""


class Trials:
    """The trials of a search, made one after the other, or as many at once as it allows."""

    def __init__(
        self,
        search: Search,
        images: ImageSet,
        execution: Execution,
        findings: Audit | None = None,
    ):
        self.search, self.images, self.execution = search, images, execution
        self.callbacks, self.trials = execution.callback, list[Trial]()
        self.trainer = Trainer(search, images, execution, findings)

    def go(self) -> Search:
        """Make those that are not over.

        Raises:
            Stopped: the user asked to; the trials in progress have written a checkpoint.
            TrainingError: none came to its end.
            RunError: another process is at it.
        """
        place = self.execution.place
        try:
            self.callbacks.on_search_begin(self.search)
            for note in place.notes:
                self.callbacks.on_note(note)
            with training_lock(self.search.path), runtimes.computing(self.search.threads):
                self.trials = self.search.trials
                (side_by_side if place.apart else one_by_one)(self)
            self.search.conclude()
        except (Stopped, KeyboardInterrupt):
            raise stopped(self.search) from None
        finally:
            self.callbacks.on_search_end(self.search)
        return self.search

    def known(self, number: int) -> list[Trial]:
        """The trials from which a trial follows, however many are at work by then."""
        return self.trials[: max(0, number + 1 - self.search.at_once)]

    def may_begin(self, number: int) -> bool:
        """Whether all is over from which it follows."""
        return all(trial.state != "running" for trial in self.known(number))

    def begun(self, number: int) -> Trial:
        """A trial, drawn where it was not before."""
        if number == len(self.trials):
            drawn = next_point(self.search, self.known(number), self.trials)
            settled = space.settle(self.search.space, self.search.recipe, drawn)
            self._record(Trial(number, drawn, settled))
        return self.trials[number]

    def end(self, trial: Trial) -> None:
        """Keep what a trial came to."""
        self._record(trial)
        # What is left is enough to train it again; a checkpoint is as large as the network.
        shutil.rmtree(self.search.place(trial.number) / "checkpoint", ignore_errors=True)
        self.callbacks.on_trial_end(self.search, trial)

    def _record(self, trial: Trial) -> None:
        self.trials[trial.number : trial.number + 1] = [trial]
        self.search.write(self.trials)


def one_by_one(trials: Trials) -> None:
    """Each in this process."""
    for number in range(len(trials.search)):
        trial = trials.begun(number)
        if trial.state == "running":
            trials.end(trials.trainer.train(trial, trials.known(number)))


def next_point(search: Search, known: Sequence[Trial], trials: Sequence[Trial]) -> Values:
    """Choose a point to try: at first the recipe as it is, then one not tried before.

    Args:
        known: the trials from which it follows, all of them over.
        trials: those that have begun.
    """
    first = space.own_point(search.space, search.recipe)
    if not trials and first:
        return first
    tried = [trial.drawn for trial in trials]
    for attempt in range(TRIES):
        drawn = sampling.draw(
            search.space, known, search.higher, search.recipe.seed, "trial", len(trials), attempt
        )
        if drawn not in tried:
            return drawn
    return _untried(search.space, tried)


def _untried(wanted: Space, tried: Sequence[Values]) -> Values:
    return next(one for one in space.every(wanted, len(tried) + 1) if one not in tried)
