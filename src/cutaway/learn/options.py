"""The names that a recipe can be changed by: its own fields, options of its model and of its task.

And what a choice brings along: another optimizer, or weights learned elsewhere, want settings that
those before did not. Nothing heavy is imported here.
"""

from collections.abc import Mapping

from cutaway.learn.presets import ADAMW, PLAIN
from cutaway.learn.recipe import OWN, SETTINGS, Recipe
from cutaway.settings import Options

Changes = Mapping[str, object]
"""Settings by name, as they were asked for: `Recipe.override` reads and checks them."""

# What begins with weights learned elsewhere, unless told otherwise: only the head learns.
TRANSFER: Options = ADAMW | {
    "freeze": "backbone", "lr": 0.005, "epochs": 6, "patience": 0, "augment": "auto",
}  # fmt: skip

# What an optimizer begins with in place of the rates of the one before. Methods of values and of
# curvature take steps of their own length, on batches large enough to tell a loss or its curvature.
EXACT: Options = PLAIN | {
    "lr": 1.0, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "clip": 0.0,
    "accumulate": 1, "precision": "float32", "batch_size": 2048,
}  # fmt: skip
MATRICES: Options = {"lr": 0.01, "weight_decay": 0.01, "schedule": "linear"}
OPTIMIZERS: dict[str, Options] = {
    **dict.fromkeys(("newton", "gauss-newton", "newton-cg", "hessian-free", "l-bfgs"), EXACT),
    **{name: EXACT | {"lr": 0.05} for name in ("random-search", "cma-es")},
    "evolution": EXACT | {"lr": 0.02, "momentum": 0.9, "schedule": "linear"},
    "sgd": {"lr": 0.1, "momentum": 0.0},
    **{name: {"lr": 0.05, "momentum": 0.9} for name in ("momentum", "nesterov")},
    **{name: {"lr": 0.002, "momentum": 0.9} for name in ("adam", "adamw", "nadam")},
    "radam": {"lr": 0.01, "momentum": 0.9},
    "shampoo": {"lr": 0.3},
    "rprop": EXACT | {"lr": 0.001},
    "asgd": {"lr": 0.1},
    "adagrad": {"lr": 0.05},
    "adadelta": {"lr": 1.0},
    "rmsprop": {"lr": 0.001, "momentum": 0.0},
    "adamax": {"lr": 0.005, "momentum": 0.9},
    "adafactor": {"lr": 0.02},
    "muon": MATRICES,
    "soap": MATRICES,
}


def with_options(recipe: Recipe, changes: Changes) -> Recipe:
    """See `Recipe.with_options`."""
    from cutaway.learn.tasks import TASKS

    changes = _with_optimizer(recipe, changes)
    if {"model", "batch_size"} & changes.keys():  # the number of threads that suited the old ones
        changes = {"threads": 0, **changes}
    if changes.get("pretrained") and not recipe.pretrained:
        changes = {**TRANSFER, **changes}
    if (task := str(changes.get("task", recipe.task))) != recipe.task:
        begins = TASKS[task].begins if task in TASKS else {}
        changes = {"task_options": {}, "stages": [], **begins, **changes}
    return recipe.override(**in_fields(recipe, changes))


def in_fields(recipe: Recipe, changes: Changes) -> dict[str, object]:
    """The changes as fields of the recipe: options of the model and of the task go into theirs."""
    fields = dict(changes)
    for field, known in known_options(recipe, changes).items():
        own = {name: fields.pop(name) for name in changes if name in known and name in fields}
        if own:
            before = SETTINGS[field].parse(fields.pop(field, getattr(recipe, field)))
            fields[field] = {**before, **own}
    return fields


def known_options(recipe: Recipe, changes: Mapping[str, object] = {}) -> dict[str, Options]:
    """The options of the recipe's model and of its task, with their defaults, by the field of the
    recipe that holds them.

    Args:
        changes: to the recipe, which may name another model or another task.
    """
    from cutaway.learn.tasks import TASKS, options
    from cutaway.models import find

    model, task = (str(changes.get(name, getattr(recipe, name))) for name in ("model", "task"))
    return {
        "model_options": {} if model.startswith(OWN) else find(model).options,
        "task_options": options(task) if task in TASKS else {},
    }


def _with_optimizer(recipe: Recipe, changes: Changes) -> Changes:
    """The changes with what another optimizer wants, unless they say otherwise.

    Options that belonged to the one before are dropped with it.
    """
    from cutaway.learn.optim.registry import normalised

    kind = changes.get("optimizer", recipe.optimizer)
    if isinstance(kind, type):  # a recipe holds names, so that it can be saved
        kind = f"{kind.__module__}:{kind.__qualname__}"
        changes = {**changes, "optimizer": kind}
    name = normalised(str(kind))
    if name == normalised(recipe.optimizer):
        return changes
    wanted = {normalised(one): settings for one, settings in OPTIMIZERS.items()}
    return {"optimizer_options": {}, **wanted.get(name, {}), **changes}
