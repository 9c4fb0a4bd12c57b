"""Who the members of a fleet are: in what each differs from the recipe."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from cutaway.errors import UsageError
from cutaway.learn.options import Changes, in_fields
from cutaway.learn.recipe import Recipe


def plan(recipe: Recipe) -> list[Changes]:
    """Each member's changes to the recipe: every value of what varies, each fold, each replicate.

    Replicates differ in the seed of weights and order, counted up from the recipe's. The split is
    the recipe's for all, so that they can be judged together, unless `split_seed` varies.
    What varies are fields of the recipe, or options of the model or the task, with the values to
    try; with folds each member tests on another part.

    Raises:
        UsageError: nothing varies, or a field that cannot take a value.
    """
    choices: dict[str, Sequence[Any]] = dict(recipe.vary)
    for name, values in choices.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise UsageError(f"'{name}' varies over a list of values: {name}=1,2,3.")
    if folds := recipe.folds:
        if folds < 2:
            raise UsageError("A cross-validation has at least two folds: --folds 5.")
        choices["fold"] = [f"{k}/{folds}" for k in range(1, folds + 1)]
    if recipe.replicates > 1:
        if "seed" in choices:
            raise UsageError("Replicates differ in their seed: vary the seed, or give replicates.")
        choices["seed"] = range(recipe.seed, recipe.seed + recipe.replicates)
    members = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    if len(members) < 2:
        raise UsageError("A fleet has at least two members: --replicates 8, or --folds 5.")
    return [{"split_seed": recipe.division, **in_fields(recipe, one)} for one in members]
