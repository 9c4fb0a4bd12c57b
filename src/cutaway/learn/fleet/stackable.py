"""Whether members can learn as one stack: what stands against it, and how many memory holds."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from cutaway.data.batch import Batch
from cutaway.learn import memory, optim
from cutaway.learn.fleet.stack import RATES, Batches, LossStack, transposed
from cutaway.learn.recipe import REPLICATE, SETTINGS, Recipe
from cutaway.learn.task import Task

FREE = {*REPLICATE, "init", *RATES}
"""Fields in which the members of a stack may differ."""

OFF = {
    "stages": [], "patience": 0, "ema": 0.0, "clip": 0.0, "accumulate": 1, "max_norm": 0.0,
    "backbone_rate": 1.0, "decay": "own", "stochastic_depth": 0.0, "mixup": 0.0, "cutmix": 0.0,
    "watch": 0,
}  # fmt: skip
"""Fields that ask for something of each network apart, with the values at which they do not."""

CLOSE = 1e-3
"""Largest difference of a stack's gradients from a network's own, as a share of their size."""

COPIES = 6
"""Of the weights: themselves, gradients, two moments, and both moments on their way to a file."""


def recipe_obstacle(members: Sequence[Recipe]) -> str:
    """The reason why recipes cannot be a stack; nothing where they can."""
    first = members[0]
    for name in SETTINGS:
        if name not in FREE and len({repr(getattr(one, name)) for one in members}) > 1:
            return f"the members differ in {name}"
    for name, off in OFF.items():
        if getattr(first, name) != off:
            return f"{name} {getattr(first, name)} is for each network by itself"
    if first.dropout > 0 or first.compile == "yes":
        return "dropout and compilation are for each network by itself"
    if not optim.find(first.optimizer).elementwise:
        return f"{first.optimizer} looks at the weights of a network together"
    return ""


def try_stack(networks: Sequence[nn.Module], task: Task, batch: Batch) -> str:
    """Try a stack of two networks; the reason why it cannot be, nothing where it can.

    Args:
        networks: two of them, which are not needed any more.
    """
    players = task.players(networks[0])
    if len(players) > 1:
        return "several players move in turns"
    if any(p.ndim == 0 for p in networks[0].parameters()):
        return "a parameter of the network is a single number"
    loss, _ = players[0].loss(batch)
    own = torch.autograd.grad(loss, players[0].parameters, allow_unused=True)
    x, t, index = (v.expand(2, *v.shape) for v in (batch.x, batch.t, batch.index))
    try:
        stack = LossStack(networks, task)
        stack.loss(Batches(x, t, index))[0].backward()
    except RuntimeError as error:  # random draws, or an operation that cannot be mapped
        return f"torch.func cannot map it ({str(error).splitlines()[0]})"
    stacked = [p.grad for p in stack.weights.values()]
    same = all(_close(a, b) for a, b in zip(own, stacked, strict=True))
    return "" if same else "its gradients depend on which networks are beside it"


def _close(own: Tensor | None, stacked: Tensor | None) -> bool:
    if own is None or stacked is None:
        return own is stacked
    return bool((transposed(stacked[0]) - own).norm() <= CLOSE * own.norm() + 1e-12)


def capacity(network: nn.Module, task: Task, batch: Batch, device: str) -> int:
    """Count the networks that a quarter of the memory holds at once while they learn.

    Of all memory, not of what is free: as many at another time, when the computer is busy.
    """
    weights = sum(p.nbytes for p in network.parameters())
    each = COPIES * weights + 4 * batch.x.nbytes + 2 * _saved_bytes(network, task, batch)
    return int(memory.total(device) // 4 // each)


def _saved_bytes(network: nn.Module, task: Task, batch: Batch) -> int:
    """Bytes that a step keeps between the forward and the backward pass."""
    sizes: dict[int, int] = {}

    def note(t: Tensor) -> Tensor:
        sizes[t.data_ptr()] = t.nbytes
        return t

    with saved_tensors_hooks(note, lambda t: t):
        task.players(network)[0].loss(batch)
    return sum(sizes.values())
