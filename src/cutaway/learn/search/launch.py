"""Search from a recipe to the end."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from cutaway.data.audit import Audit, audit
from cutaway.data.augment import OwnAugment
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.data.target import Target
from cutaway.errors import TrainingError, UsageError
from cutaway.learn import fit as learning
from cutaway.learn import history
from cutaway.learn import runtime as runtimes
from cutaway.learn.check_fit import check_fit
from cutaway.learn.directory import destination, training_lock
from cutaway.learn.execution import Execution
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import AUTO_RATE, Recipe
from cutaway.learn.run import Run
from cutaway.learn.search import sampling, space
from cutaway.learn.search.pruning import Pruned, Pruning, objective_by_epoch, stopped
from cutaway.learn.search.search import Search
from cutaway.learn.search.space import Space, Values
from cutaway.learn.search.trial import Trial
from cutaway.learn.tasks import make_task
from cutaway.learn.training import Stopped, Training

TRIES = 20
"""Draws of a setting that was not tried before, until the first that was not is taken."""


def launch(
    recipe: Recipe,
    images: ImageSet,
    *,
    trials: int = 20,
    over: Mapping[str, Any] = {},
    **execution: Any,
) -> Search:
    """Try many settings, and keep the recipe of the one that does best on the validation images.

    The test images are looked at by none of them. The same recipe on the same images and computer
    gives the same trials, also where the search was killed and has gone on.

    Args:
        trials: how many; fewer where there are not so many settings.
        over: fields of the recipe, or options of the model, with a range (low, high) or a list of
            values for each; by default what suits the recipe.
        execution: fields of `Execution`; its `out` is by default `runs/MODEL-DATA-search-N`.

    Raises:
        UsageError: a space, a recipe or images that cannot be searched.
        RunError: the directory cannot be written.
        TrainingError: no trial came to its end.
    """
    settings = Execution(**execution)
    sampling.require_optuna()
    _check_wishes(recipe, trials)
    wanted = space.read(recipe, over)
    recipe = recipe.override(split_seed=recipe.division)
    place = destination(settings.out, recipe.model, images.name, "search")
    findings = audit(images)
    parts = learning.split_for(recipe, images, findings)
    _check_division(parts)
    objective = _objective(recipe, images.target.fitted(images.truth, parts.train))
    for one in (recipe, *space.check(wanted, recipe)):
        _try(one, images, settings.augment)
    trials = int(min(trials, space.points(wanted)))
    search = Search.create(place, recipe, wanted, trials, objective, images.fingerprint)
    return Trials(search, images, settings, findings).go()


def _check_wishes(recipe: Recipe, trials: int) -> None:
    if trials < 1:
        raise UsageError(f"A search takes at least one trial: --trials 20, not {trials}.")
    if recipe.lr == AUTO_RATE:
        raise UsageError(
            "--lr auto is for one network: a search tries learning rates itself, so leave it out."
        )
    if recipe.several:
        raise UsageError(
            "A search trains one network a trial: leave --replicates and --folds for the best "
            "recipe, once it is found."
        )


def _check_division(parts: Split) -> None:
    if not len(parts.val):
        raise UsageError(
            "A search needs validation images to choose on, because choosing on the test set is "
            "refused: give --val 0.1, and data that can be divided."
        )


def _objective(recipe: Recipe, target: Target) -> str:
    """The column that trials are judged by: the leading metric of the last stage's task."""
    final = recipe.in_stages()[-1]
    task = make_task(final)
    leading = task.leading(target)
    if leading not in task.measured():
        raise UsageError(
            f"The task '{final.task}' measures no {leading} while it learns, so that there "
            "is nothing to choose by."
        )
    return f"val_{leading}"


def _try(recipe: Recipe, images: ImageSet, own: OwnAugment | None) -> None:
    """Raises UsageError where a recipe cannot be trained on these images."""
    network = initial_network(recipe, images.channels, images.target.outputs, images.size)
    runtimes.choose(recipe, network)
    check_fit(network, images, recipe, own)


class Trials:
    """The trials of a search, made one after the other."""

    def __init__(
        self,
        search: Search,
        images: ImageSet,
        execution: Execution,
        findings: Audit | None = None,
    ):
        self.search, self.images, self.execution = search, images, execution
        self.callbacks, self.trials = execution.callback, list[Trial]()
        if findings is not None:
            self.findings = findings

    @cached_property
    def findings(self) -> Audit:
        return audit(self.images)

    def go(self) -> Search:
        """Make those that are not over.

        Raises:
            Stopped: the user asked to; the trial in progress has written a checkpoint.
            TrainingError: none came to its end.
            RunError: another process is at it.
        """
        try:
            self.callbacks.on_search_begin(self.search)
            with training_lock(self.search.path), runtimes.computing(self.search.threads):
                self.trials = self.search.trials
                for number in range(len(self.search)):
                    self._run_trial(number)
            self.search.conclude()
        except (Stopped, KeyboardInterrupt):
            raise stopped(self.search) from None
        finally:
            self.callbacks.on_search_end(self.search)
        return self.search

    def _run_trial(self, number: int) -> None:
        if number == len(self.trials):
            drawn = next_point(self.search, self.trials)
            settled = space.settle(self.search.space, self.search.recipe, drawn)
            self._record(Trial(number, drawn, settled))
        if self.trials[number].state == "running":
            self._record(self._train(self.trials[number]))
            # What is left is enough to train it again; a checkpoint is as large as the network.
            shutil.rmtree(self.search.place(number) / "checkpoint", ignore_errors=True)
            self.callbacks.on_trial_end(self.search, self.trials[number])

    def _record(self, trial: Trial) -> None:
        self.trials[trial.number :] = [trial]
        self.search.write(self.trials)

    def _train(self, trial: Trial) -> Trial:
        """Train a trial. It is not evaluated on the test images: it does not `finish`."""
        training = None
        try:
            training = self._training(trial)
            with training.session():
                training.learn()
        except Pruned:
            assert training is not None
            return replace(trial, state="pruned", values=self._values(training))
        except (TrainingError, UsageError) as error:
            values = self._values(training) if training else ()
            return replace(trial, state="failed", values=values, why=_first_sentence(error))
        return self._result(trial, training)

    def _training(self, trial: Trial) -> Training:
        """A trial about to learn, or where its last checkpoint left it."""
        place = self.search.place(trial.number)
        recipe = self.search.recipe_of(trial)
        execution = self.execution.with_first(self._pruning(recipe))
        if Run.is_at(place):
            return learning.reopen_training(Run(place), self.images, execution)
        place.parent.mkdir(exist_ok=True)
        execution = replace(execution, out=place)
        return learning.begin_training(recipe, self.images, execution, findings=self.findings)

    def _pruning(self, recipe: Recipe) -> Pruning:
        *earlier, final = recipe.in_stages()
        warmup = sum(stage.epochs for stage in earlier) + max(1, final.epochs // 4)
        search = self.search
        hopeless = sampling.pruner(search.space, self.trials, search.higher, warmup)
        return Pruning(search.objective, hopeless)

    def _values(self, training: Training) -> tuple[tuple[int, float], ...]:
        return tuple(objective_by_epoch(training, self.search.objective))

    def _result(self, trial: Trial, training: Training) -> Trial:
        """By the weights that a run would keep: the best under early stopping, else the last."""
        recipe, objective = training.stage.recipe, self.search.objective
        row = history.selected(training.stage.rows, recipe.monitor, recipe.patience)
        values = self._values(training)
        value = dict(values).get(int(row["epoch"]))
        if value is None:
            why = f"{objective} was no finite number in the end."
            return replace(trial, state="failed", values=values, why=why)
        loss = row.get("val_loss")
        return replace(trial, state="ended", values=values, value=value, loss=loss)


def next_point(search: Search, trials: Sequence[Trial]) -> Values:
    """Choose a point to try: at first the recipe as it is, then one not tried before."""
    first = space.own_point(search.space, search.recipe)
    if not trials and first:
        return first
    tried = [trial.drawn for trial in trials]
    for attempt in range(TRIES):
        drawn = sampling.draw(
            search.space, trials, search.higher, search.recipe.seed, "trial", len(trials), attempt
        )
        if drawn not in tried:
            return drawn
    return _untried(search.space, tried)


def _untried(wanted: Space, tried: Sequence[Values]) -> Values:
    return next(one for one in space.every(wanted, len(tried) + 1) if one not in tried)


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ")[0].removesuffix(".") + "."
