"""Make the optimizer that a recipe names."""

import inspect
from collections.abc import Callable, Collection, Sequence
from math import isqrt
from typing import NotRequired, TypedDict

from torch import nn
from torch.optim import LBFGS

from cutaway.errors import UsageError, nearest
from cutaway.learn.optim.registry import Method, Optimizer, find
from cutaway.learn.optim.uncompiled import uncompiled
from cutaway.learn.optim.vector import VectorOptimizer
from cutaway.learn.recipe import Recipe
from cutaway.settings import Options, as_tuples
from cutaway.together.sharded import is_sharded

LARGEST = 2**30
"""Bytes of the largest matrix over all pairs of weights that an optimizer may keep."""

OURS = {"params", "seed", "outer"}
"""Arguments of an optimizer that are given here and not by a recipe's options."""


class Group(TypedDict):
    """Parameters to which the same is done, as PyTorch's optimizers take them."""

    params: list[nn.Parameter]
    lr: float
    weight_decay: NotRequired[float]


def make(
    recipe: Recipe,
    parameters: Sequence[nn.Parameter],
    slow: Collection[nn.Parameter] = (),
    stacked: bool = False,
) -> Optimizer:
    """The recipe's optimizer over those parameters that are free to learn.

    Weight decay pulls at matrices and kernels only: biases and normalisation are left alone.

    Args:
        slow: parameters that learn with `backbone_rate` of the learning rate.
        stacked: whether an axis of networks is in front of each parameter's own.

    Raises:
        UsageError: an unknown optimizer or option, or one that cannot work here.
    """
    free = [p for p in parameters if p.requires_grad]
    if not free:
        raise UsageError("The model has no trainable parameters: there is nothing to learn.")
    method = find(recipe.optimizer)
    kind = method.load()
    _check(method, recipe, sum(p.numel() for p in free))
    options = _options(recipe, method, kind, any(map(is_sharded, free))) | _own(kind, recipe, free)
    decay = options.pop("weight_decay", None)
    assert decay is None or isinstance(decay, int | float)
    groups = _groups(free, slow, recipe, decay, 2 if stacked else 1)
    if len(groups) > 1 and issubclass(kind, VectorOptimizer | LBFGS):
        raise UsageError(
            f"The optimizer '{recipe.optimizer}' moves all weights together, so that none can "
            "learn slower: give --backbone-rate 1."
        )
    try:
        with uncompiled():
            factory: Callable[..., Optimizer] = kind
            return factory(groups, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The optimizer '{recipe.optimizer}' cannot be used: {error}") from None


def _check(method: Method, recipe: Recipe, weights: int) -> None:
    """Refuse what does not go together."""
    name = recipe.optimizer
    if method.square and weights > (most := isqrt(LARGEST // method.square)):
        instead = "evolution" if method.knows == "values" else "l-bfgs or hessian-free"
        raise UsageError(
            f"The optimizer '{name}' keeps a matrix over all pairs of weights, and takes networks "
            f"of up to {most:,} weights. This one has {weights:,}, whose matrix would fill "
            f"{amount(method.square * weights**2)}: take --optimizer {instead}, which does without "
            "it, or a smaller network."
        )
    if method.trials and recipe.clip:
        raise UsageError(
            f"The optimizer '{name}' compares the loss at several points, which clipped gradients "
            "(--clip) do not belong to: give --clip 0."
        )
    if method.trials and recipe.compile == "yes":
        raise UsageError(f"The optimizer '{name}' works on networks as they are: --compile no.")
    if method.twice and recipe.accumulate > 1:
        raise UsageError(
            f"The optimizer '{name}' keeps the graph of the whole batch, so that parts of it "
            "(--accumulate) save no memory: give --accumulate 1 and a smaller --batch-size."
        )


def amount(size: float) -> str:
    """Bytes in the largest unit that leaves a whole number or more."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"


def _groups(
    free: Sequence[nn.Parameter],
    slow: Collection[nn.Parameter],
    recipe: Recipe,
    decay: float | None,
    most: int,
) -> list[Group]:
    """The parameters by what is done to them: pulled to zero or not, at the full rate or slower.

    Args:
        decay: the pull; None where the optimizer has none.
        most: axes of what is not pulled, at most.
    """
    late = {id(p) for p in slow}
    sets: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in free:
        share = recipe.backbone_rate if id(p) in late else 1.0
        sets.setdefault((share, decay or 0.0 if p.ndim > most else 0.0), []).append(p)
    groups: list[Group] = []
    for (share, pull), params in sorted(sets.items(), key=lambda item: item[0], reverse=True):
        group: Group = {"params": params, "lr": recipe.lr * share}
        if decay is not None:  # also where it is 0: some classes decay by default
            group["weight_decay"] = pull
        groups.append(group)
    return groups


def _options(recipe: Recipe, method: Method, kind: type[Optimizer], sharded: bool) -> Options:
    """The recipe's fields in this optimizer's own words, then its further options."""
    takes = inspect.signature(kind).parameters
    own = recipe.weight_decay if recipe.decay == "own" else 0.0
    options: Options = {"lr": recipe.lr, "weight_decay": own}
    if "betas" in takes:
        options["betas"] = (recipe.momentum, *takes["betas"].default[1:])
    if "momentum" in takes:
        options["momentum"] = recipe.momentum
    if "fused" in takes and recipe.device.split(":")[0] in ("cpu", "cuda") and not sharded:
        options["fused"] = True  # one kernel instead of a loop over parameters
    options |= method.presets
    if options.get("nesterov") and not recipe.momentum:
        options["nesterov"] = False
    options = {key: value for key, value in options.items() if key in takes}
    for key, value in recipe.optimizer_options.items():
        if key not in takes or key in OURS:
            hint = nearest(key, takes.keys() - OURS)
            raise UsageError(f"The optimizer '{recipe.optimizer}' has no option '{key}'.{hint}")
        options[key] = as_tuples(value)
    return options


def _own(kind: type[Optimizer], recipe: Recipe, free: Sequence[nn.Parameter]) -> Options:
    """Arguments that depend on the run, where it takes them: its seed, the matrices at its ends."""
    matrices = [p for p in free if p.ndim > 1]
    own: Options = {"seed": recipe.seed, "outer": [*matrices[:1], *matrices[-1:]]}
    return {key: value for key, value in own.items() if key in inspect.signature(kind).parameters}
