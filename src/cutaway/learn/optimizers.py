"""Optimizers by name, PyTorch's own."""

import importlib
import inspect
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import nn

from cutaway.errors import UsageError, nearest
from cutaway.learn.recipe import Recipe

Optimizer = torch.optim.Optimizer


def make(
    recipe: Recipe, parameters: Sequence[nn.Parameter], slow: Collection[nn.Parameter] = ()
) -> Optimizer:
    """The recipe's optimizer over those parameters that are free to learn.

    Weight decay pulls at matrices and kernels only: biases and normalisation are left alone.

    Args:
        slow: parameters that learn with `backbone_rate` of the learning rate.

    Raises:
        UsageError: an unknown optimizer or option, or one that cannot work here.
    """
    free = [p for p in parameters if p.requires_grad]
    if not free:
        raise UsageError("The model has no trainable parameters: there is nothing to learn.")
    kind = optimizer_class(recipe.optimizer)
    options = _options(recipe, kind)
    decay = options.pop("weight_decay", 0.0)
    if "weight_decay" not in inspect.signature(kind).parameters:
        decay = 0.0
    try:
        return kind(_groups(free, slow, recipe, decay), **options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The optimizer '{recipe.optimizer}' cannot be used: {error}") from None


def _groups(
    free: Sequence[nn.Parameter], slow: Collection[nn.Parameter], recipe: Recipe, decay: float
) -> list[dict[str, Any]]:
    """The parameters by what is done to them: pulled to zero or not, at the full rate or slower."""
    late = {id(p) for p in slow}
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in free:
        share = recipe.backbone_rate if id(p) in late else 1.0
        found.setdefault((share, decay if p.ndim > 1 else 0.0), []).append(p)
    groups: list[dict[str, Any]] = []
    for (share, pull), params in sorted(found.items(), key=lambda item: item[0], reverse=True):
        group: dict[str, Any] = {"params": params, "lr": recipe.lr * share}
        groups.append(group | ({"weight_decay": pull} if decay else {}))
    return groups


def optimizer_class(name: str) -> type[Optimizer]:
    """`sgd`, `adamw`, any class of torch.optim in any case, or `package.module:Class`.

    Raises:
        UsageError: there is none, or it needs the loss again within a step (LBFGS).
    """
    if ":" in name:
        return _import(name)
    known = {
        key.lower(): kind
        for key, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer
    }
    known["nesterov"] = torch.optim.SGD
    for unfit in ("lbfgs", "sparseadam"):
        known.pop(unfit, None)
    if name.lower() not in known:
        raise UsageError(f"There is no optimizer '{name}'.{nearest(name, known)}")
    return known[name.lower()]


def _import(name: str) -> type[Optimizer]:
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The optimizer '{name}' cannot be imported: {error}.") from None
    if not (inspect.isclass(kind) and issubclass(kind, Optimizer)):
        raise UsageError(f"'{name}' is not a torch.optim.Optimizer.")
    return kind


def _options(recipe: Recipe, kind: type[Optimizer]) -> dict[str, Any]:
    """The recipe's fields in this optimizer's own words, then its further options."""
    takes = inspect.signature(kind).parameters
    options: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if "betas" in takes:
        options["betas"] = (recipe.momentum, *takes["betas"].default[1:])
    if "momentum" in takes:
        options["momentum"] = recipe.momentum
    if "nesterov" in takes:
        options["nesterov"] = recipe.optimizer.lower() == "nesterov" and recipe.momentum > 0
    if "fused" in takes and recipe.device.split(":")[0] in ("cpu", "cuda"):
        options["fused"] = True  # one kernel instead of a loop over parameters
    options = {key: value for key, value in options.items() if key in takes}
    for key, value in recipe.optimizer_options.items():
        if key not in takes:
            raise UsageError(
                f"The optimizer '{recipe.optimizer}' has no option '{key}'.{nearest(key, takes)}"
            )
        options[key] = tuple(value) if isinstance(value, list) else value
    return options
