"""The space of a search: which fields of a recipe vary, and what is tried for each."""

from collections.abc import Iterator, Mapping
from itertools import islice, product
from math import log2, prod
from typing import Any

from cutaway.errors import UsageError, nearest
from cutaway.learn.optim.registry import normalised
from cutaway.learn.options import known_options
from cutaway.learn.recipe import CHANGEABLE, SETTINGS, Recipe
from cutaway.learn.search import axes
from cutaway.learn.search.axes import Axis, Choice, Range
from cutaway.learn.tasks import make_task
from cutaway.settings import Options, Scalar

Space = dict[str, Axis]
Values = dict[str, Scalar]

FIXED = {"task", "task_options", "optimizer_options", "labels", "monitor"}
SEARCHABLE = CHANGEABLE - FIXED | {"init"}
"""Fields that a search may vary."""
USUAL = ("nesterov", "adamw")
"""Optimizers that are tried unless told otherwise, beside the recipe's own."""
FAMILY = ("sgd", "momentum", "nesterov", "adam", "adamw", "nadam", "radam")
"""Optimizers that these can take the place of."""
REACH = 30.0
"""The factor above and below the recipe's learning rate within which is searched."""


def read(recipe: Recipe, over: Mapping[str, Any]) -> Space:
    """Read the space that is asked for, or choose one that suits the recipe.

    Raises:
        UsageError: a field that there is not, that cannot be searched, or that nothing would hear.
    """
    if not over:
        return default(recipe)
    return {name: axes.read(name, wish, _kind(recipe, name)) for name, wish in over.items()}


def default(recipe: Recipe) -> Space:
    """The space worth trying first: the rate, how it is used, and what holds the weights back.

    The learning rate is relative, because each optimizer has a scale of its own.

    Raises:
        UsageError: the recipe's stages leave nothing of that open.
    """
    space: Space = {"lr": Range(1 / REACH, REACH, log=True, relative=True)}
    if normalised(recipe.optimizer) in FAMILY and recipe.momentum >= 0.8:
        space["optimizer"] = Choice(tuple(dict.fromkeys((recipe.optimizer, *USUAL))))
        space["momentum"] = Range(0.8, 0.98)
        space["weight_decay"] = Range(1e-5, 0.1, log=True)
    if recipe.batch_size >= 8 * recipe.accumulate:
        near = 2 ** round(log2(recipe.batch_size))
        space["batch_size"] = Choice((near // 2, near, near * 2))
    if hasattr(make_task(recipe), "label_smoothing") and not recipe.stages:
        space["label_smoothing"] = Range(0.0, 0.2)
    space = {name: axis for name, axis in space.items() if name not in _settled(recipe)}
    if not space:
        raise UsageError(
            "Every stage of this recipe sets its own rates: say what else to try, "
            "--over dropout=0..0.5."
        )
    return space


def _settled(recipe: Recipe) -> set[str]:
    """Fields that each stage sets for itself."""
    return set.intersection(*map(set, recipe.stages)) if recipe.stages else set()


def _kind(recipe: Recipe, name: str) -> type:
    """The type of a field or an option that can be searched."""
    if name in (known := _options(recipe)):
        return type(known[name])
    if name not in SETTINGS:
        hint = nearest(name, SEARCHABLE | known.keys())
        raise UsageError(f"There is no field '{name}' to search over.{hint}")
    if name not in SEARCHABLE:
        raise UsageError(
            f"A search cannot vary '{name}': all trials learn from the same images, are judged on "
            "the same validation images, and differ in how they learn."
        )
    if name in _settled(recipe):
        raise UsageError(
            f"Each stage of this recipe sets its own '{name}', so that searching over it would "
            "change nothing: search over another field."
        )
    kind: type = SETTINGS[name].kind
    return kind


def _options(recipe: Recipe) -> Options:
    """The options of the model and of the task, with their defaults."""
    known = known_options(recipe)
    return known["model_options"] | known["task_options"]


def points(space: Space) -> float:
    """The number of settings."""
    return prod(len(axis.points) or float("inf") for axis in space.values())


def every(space: Space, most: int) -> Iterator[Values]:
    """The first settings of a space whose settings can be counted."""
    combinations = product(*(axis.points for axis in space.values()))
    return (dict(zip(space, values, strict=True)) for values in islice(combinations, most))


def own_point(space: Space, recipe: Recipe) -> Values | None:
    """The recipe's own values, where all of them lie in the space."""
    own = _options(recipe) | recipe.model_options | recipe.task_options
    values: Values = {}
    for name, axis in space.items():
        value = 1.0 if axis.relative else own.get(name, getattr(recipe, name, None))
        if value not in axis:
            return None
        assert isinstance(value, Scalar)
        values[name] = value
    return values


def settle(space: Space, recipe: Recipe, drawn: Values) -> Values:
    """Fields and options as a recipe takes them: numbers of four digits, rates as such."""
    settled = {name: _short(value) for name, value in drawn.items() if not space[name].relative}
    base = recipe.with_options(**settled)
    return {
        name: settled[name] if name in settled else _short(getattr(base, name) * value)
        for name, value in drawn.items()
    }


def _short(value: Scalar) -> Scalar:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def check(space: Space, recipe: Recipe) -> list[Recipe]:
    """The recipes with one field changed, to each value or end of a range.

    Raises:
        UsageError: a value that its field cannot have.
    """
    ends = [{name: value} for name, axis in space.items() for value in axis.ends]
    return [recipe.with_options(**settle(space, recipe, one)) for one in ends]
