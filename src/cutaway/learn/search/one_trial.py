"""A trial from its first step to what it came to."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from cutaway.data.audit import Audit, audit
from cutaway.data.imageset import ImageSet
from cutaway.errors import TrainingError, UsageError
from cutaway.learn import fit as learning
from cutaway.learn import history
from cutaway.learn.execution import Execution
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.search import sampling
from cutaway.learn.search.pruning import Pruned, Pruning, objective_by_epoch
from cutaway.learn.search.search import Search
from cutaway.learn.search.trial import Trial
from cutaway.learn.training import Training


class Trainer:
    """Trains the trials of a search; the images are audited once for all."""

    def __init__(
        self,
        search: Search,
        images: ImageSet,
        execution: Execution,
        findings: Audit | None = None,
    ):
        self.search, self.images, self.execution = search, images, execution
        if findings is not None:
            self.findings = findings

    @cached_property
    def findings(self) -> Audit:
        return audit(self.images)

    def train(self, trial: Trial, known: Sequence[Trial]) -> Trial:
        """Train a trial. It is not evaluated on the test images: it does not `finish`.

        Args:
            known: the trials that it is compared with while it learns.
        """
        training = None
        try:
            training = self._training(trial, known)
            with training.session():
                training.learn()
        except Pruned:
            assert training is not None
            return replace(trial, state="pruned", values=self._values(training))
        except (TrainingError, UsageError) as error:
            values = self._values(training) if training else ()
            return replace(trial, state="failed", values=values, why=_first_sentence(error))
        return self._result(trial, training)

    def _training(self, trial: Trial, known: Sequence[Trial]) -> Training:
        """A trial about to learn, or where its last checkpoint left it."""
        place = self.search.place(trial.number)
        recipe = self.search.recipe_of(trial)
        execution = self.execution.with_first(self._pruning(recipe, known))
        if Run.is_at(place):
            return learning.reopen_training(Run(place), self.images, execution)
        place.parent.mkdir(exist_ok=True)
        execution = replace(execution, out=place)
        return learning.begin_training(recipe, self.images, execution, findings=self.findings)

    def _pruning(self, recipe: Recipe, known: Sequence[Trial]) -> Pruning:
        *earlier, final = recipe.in_stages()
        warmup = sum(stage.epochs for stage in earlier) + max(1, final.epochs // 4)
        search = self.search
        hopeless = sampling.pruner(search.space, known, search.higher, warmup)
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


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ")[0].removesuffix(".") + "."
