"""The tasks, a file each: what a network's outputs mean, who minimises what, how it is evaluated.

A file of this folder is a task: `semi_supervised.py` holds `SemiSupervised`, which recipes call
`semi-supervised`. Nothing else has to name it.
"""

from dataclasses import MISSING, fields
from importlib import import_module
from typing import Any

from cutaway.errors import UsageError, nearest
from cutaway.learn import metrics
from cutaway.learn.metrics import Metric
from cutaway.learn.recipe import SETTINGS, Recipe
from cutaway.learn.recipe import TASKS as NAMES
from cutaway.learn.task import Task
from cutaway.settings import Options, flag

OF_TASKS = tuple(spec for spec in SETTINGS.values() if spec.of_task)
"""Fields of a recipe that are for some tasks only: those with an attribute of that name."""


def _load(name: str) -> type[Task]:
    module = name.replace("-", "_")
    title = "".join(part.capitalize() for part in module.split("_"))
    task: type[Task] = getattr(import_module(f"{__name__}.{module}"), title)
    return task


TASKS: dict[str, type[Task]] = {name: _load(name) for name in NAMES}


def options(task: str) -> Options:
    """A task's own options with their defaults; keyword-only fields are none."""
    kind: Any = TASKS[task]
    others = {spec.name for spec in OF_TASKS}
    own = fields(kind) if hasattr(kind, "__dataclass_fields__") else ()
    return {
        spec.name: spec.default
        for spec in own
        if spec.name not in others and spec.default is not MISSING and not spec.kw_only
    }


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
    task = TASKS[recipe.task]
    settings = dict(recipe.task_options)
    for spec in OF_TASKS:
        if (value := getattr(recipe, spec.name)) != spec.default:
            if not hasattr(task, spec.name):
                takers = [f"'{n}'" for n, one in TASKS.items() if hasattr(one, spec.name)]
                only = f"is for the task {' and '.join(takers)} only"
                raise UsageError(f"{flag(spec.name)} {only}.")
            settings[spec.name] = value
    _check_monitor(recipe, task)
    return task(**settings)


def _check_monitor(recipe: Recipe, task: type[Task]) -> None:
    """Refuse early stopping on what the task does not measure."""
    known = [f"val-{name.replace('_', '-')}" for name in task.measured()]
    if recipe.patience and recipe.monitor.replace("_", "-") not in known:
        raise UsageError(
            f"--monitor cannot be '{recipe.monitor}': the task '{recipe.task}' measures "
            f"{', '.join(known)} at the end of each epoch."
        )


METRICS = (
    *(metrics.LOSS, metrics.ERROR, metrics.RATE),  # whose unit is each task's own
    *(one for task in TASKS.values() for one in task.metrics),
)
"""Those of all tasks."""


def metric(key: str) -> Metric:
    """The metric that a key such as `val_loss` is a value of, in whichever task."""
    return metrics.metric_of(METRICS, key) or metrics.unknown(key)
