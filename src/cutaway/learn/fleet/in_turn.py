"""Members one after the other, each trained as it would be alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from cutaway.data.audit import Audit, audit
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.errors import TrainingError
from cutaway.learn import fit as learning
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.training import Stopped, Training


def expect_all(fleet: Fleet, problems: list[str]) -> None:
    """Say which members did not end, once the others have.

    Raises:
        TrainingError: some did not.
    """
    if problems:
        raise TrainingError(
            f"{len(problems)} of {len(fleet)} members did not end; the others are kept in "
            f"{fleet.path / 'members'}. {problems[0]}"
        )


def waiting(fleet: Fleet) -> list[int]:
    """The members that have not ended."""
    return [k for k in range(len(fleet)) if not fleet.ended(k)]


def stopped(fleet: Fleet) -> Stopped:
    done, wanted, _ = fleet.done
    return Stopped(
        f"Stopped with {done} of {wanted} members done, as asked. "
        f"Go on with: cutaway resume {fleet.path}"
    )


class Trainer:
    """Makes the members of a fleet ready to learn; the images are audited once for all."""

    def __init__(self, fleet: Fleet, images: ImageSet, execution: Execution):
        self.fleet, self.images, self.execution = fleet, images, execution
        self._parts: dict[tuple[int, str, float, float], Split] = {}

    @cached_property
    def findings(self) -> Audit:
        return audit(self.images)

    def training(self, k: int) -> Training:
        """Member k about to learn, or where its last checkpoint left it."""
        place = self.fleet.place(k)
        if self.fleet.begun(k):
            return learning.reopen_training(Run(place), self.images, self.execution)
        place.parent.mkdir(exist_ok=True)
        recipe = self.fleet.recipe_of(k)
        return learning.begin_training(
            recipe,
            self.images,
            replace(self.execution, out=place),
            findings=self.findings,
            parts=self.divided(recipe),
        )

    def divided(self, recipe: Recipe) -> Split:
        """The recipe's split, drawn once for the members that share it."""
        key = (recipe.division, recipe.fold, recipe.val, recipe.test)
        if key not in self._parts:
            self._parts[key] = learning.split_for(recipe, self.images, self.findings)
        return self._parts[key]


def in_turn(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """One member after the other, each with all cores."""
    expect_all(fleet, one_by_one(Trainer(fleet, images, execution), waiting(fleet)))


def one_by_one(trainer: Trainer, members: Sequence[int]) -> list[str]:
    """Train some members; why those that did not end did not."""
    problems = []
    for k in members:
        try:
            trainer.training(k).go()
        except Stopped:
            raise stopped(trainer.fleet) from None
        except TrainingError as error:
            problems.append(f"Member {k + 1}: {error}")
        else:
            trainer.execution.callback.on_member_end(trainer.fleet, k)
    return problems
