"""The tasks by name: what a network's outputs mean, who minimises what, how it is judged."""

from dataclasses import fields
from typing import Any

from cutaway.errors import UsageError, nearest
from cutaway.learn.fields import flag
from cutaway.learn.recipe import TASKS as NAMES
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks.adversarial import Adversarial
from cutaway.learn.tasks.base import Judgement, Player, Task, at_rest
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.implicit import Implicit
from cutaway.learn.tasks.reconstruct import Reconstruct
from cutaway.learn.tasks.segment import Segment
from cutaway.learn.tasks.semi_supervised import SemiSupervised
from cutaway.learn.tasks.threshold import Threshold
from cutaway.learn.tasks.variational import Variational

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "threshold": Threshold,
    "segment": Segment,
    "reconstruct": Reconstruct,
    "variational": Variational,
    "adversarial": Adversarial,
    "semi-supervised": SemiSupervised,
    "implicit": Implicit,
}
assert tuple(TASKS) == NAMES

CLASSIFIERS = {"label_smoothing": "Label smoothing", "mixup": "Mixup", "cutmix": "CutMix"}
"""Fields of a recipe that are for the task `classify`, and what they are called."""

__all__ = ["TASKS", "Judgement", "Player", "Task", "at_rest", "make_task", "options"]


def options(task: str) -> dict[str, Any]:
    """A task's own options with their defaults."""
    found: Any = TASKS[task]
    return {spec.name: spec.default for spec in fields(found) if spec.name not in CLASSIFIERS}


def make_task(recipe: Recipe) -> Task:
    """The recipe's task.

    Raises:
        UsageError: an option that it does not know, or a value that it cannot take.
    """
    known = options(recipe.task)
    for name, value in recipe.task_options.items():
        if name not in known:
            hint = nearest(name, known) if known else ""
            raise UsageError(f"The task '{recipe.task}' has no option '{name}'.{hint}")
        if isinstance(value, str) != isinstance(known[name], str):
            raise UsageError(f"{flag(name)} cannot be {value!r}.")
    settings = dict(recipe.task_options)
    for name, called in CLASSIFIERS.items():
        if value := getattr(recipe, name):
            if recipe.task != "classify":
                raise UsageError(f"{called} ({flag(name)}) is for the task 'classify' only.")
            settings[name] = value
    return TASKS[recipe.task](**settings)
