"""The members of a fleet, each trained as it would be alone."""

from dataclasses import replace
from functools import cached_property
from typing import Any

from cutaway.data.audit import Audit, audit
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.learn import fit as learning
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.training import Training


class Trainer:
    """Makes the members of a fleet ready to learn; the images are audited once for all."""

    def __init__(self, fleet: Fleet, images: ImageSet, execution: Execution):
        self.fleet, self.images, self.execution = fleet, images, execution
        self._parts: dict[Any, Split] = {}

    @cached_property
    def findings(self) -> Audit:
        return audit(self.images)

    def training(self, k: int) -> Training:
        """Member k about to learn, or where its last checkpoint left it."""
        place = self.fleet.place(k)
        if self.fleet.begun(k):
            return learning.reopened(Run(place), self.images, self.execution)
        place.parent.mkdir(exist_ok=True)
        recipe = self.fleet.recipe_of(k)
        return learning.begun(
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
            self._parts[key] = learning.divided(recipe, self.images, self.findings)
        return self._parts[key]
