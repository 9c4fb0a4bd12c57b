"""Whether the processes that train a network each keep all of it, or a part of its weights."""

import os

import torch
from torch import nn

from cutaway.errors import UsageError, nearest
from cutaway.learn import memory, optim
from cutaway.learn.optim.factory import amount
from cutaway.learn.optim.registry import normalised
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import make_task
from cutaway.together.sharded import refusal
from cutaway.together.team import Team

WISHES = ("auto", "yes", "no")
SHARE = 0.5
"""Part of its memory that a process may fill with a whole network and what its optimizer keeps: the
rest is for images, activations and the system."""
WHOLE_ONLY = ("rprop",)
"""Optimizers whose updates PyTorch cannot do on parts of a tensor."""


def choose_sharding(
    wish: str, recipe: Recipe, network: nn.Module, team: Team, device: str
) -> tuple[bool, str]:
    """Decide whether a network's weights lie apart, and say why in a sentence where they do.

    Args:
        wish: auto, yes or no; auto: where they would fill more than `SHARE` of a process's memory,
            and can.

    Raises:
        UsageError: asked for, and it cannot be.
    """
    if wish not in WISHES:
        raise UsageError(f"--shard takes {', '.join(WISHES)}, not '{wish}'.{nearest(wish, WISHES)}")
    if wish == "yes" and team.alone:
        raise UsageError(
            "--shard puts a network apart among processes, and there is one: give --processes 2 or "
            "more, or leave it out."
        )
    if wish == "no" or team.alone:
        return False, ""
    if why := _refusal(recipe, network):
        if wish == "yes":
            raise UsageError(f"These weights cannot lie apart (--shard): {why}")
        return False, ""
    need, most = needed(recipe, network), _memory(device)
    if wish == "auto" and need <= SHARE * most:
        return False, ""
    size = f"{sum(p.numel() for p in network.parameters()):,} weights"
    said = f"Each of {team.size} processes keeps its part of {size} (--shard)"
    if wish == "yes":
        return True, f"{said}."
    return True, (
        f"{said}: whole, they, their gradients and the optimizer's would take {amount(need)}, of "
        f"{amount(most)} that each process may fill."
    )


def needed(recipe: Recipe, network: nn.Module) -> int:
    """Bytes of a network's weights, their gradients and what the optimizer keeps of them."""
    size = sum(p.numel() * p.element_size() for p in network.parameters())
    return size * (2 + kept(recipe))


def kept(recipe: Recipe) -> int:
    """Numbers that the recipe's optimizer keeps for each weight: what it has after a step."""
    p = nn.Parameter(torch.zeros(3, 5))
    optimizer = optim.make(recipe.in_stages()[-1], [p])
    p.grad = torch.zeros_like(p)
    optim.step_of(optimizer)(lambda: torch.zeros(()))
    fields = [value for one in optimizer.state.values() for value in one.values()]
    return sum(getattr(value, "shape", None) == p.shape for value in fields)


def _memory(device: str) -> int:
    """Bytes of memory that are for each process of this computer."""
    together = 1 if device.startswith("cuda") else int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return memory.total(device) // together


def _refusal(recipe: Recipe, network: nn.Module) -> str:
    """Why a recipe is for whole networks only, and what to do; empty where it is not."""
    for stage in recipe.in_stages():
        method = stage.optimizer
        if not optim.find(method).elementwise or normalised(method) in WHOLE_ONLY:
            return (
                f"the optimizer '{method}' looks at whole matrices; take adam, adamw, momentum or "
                "sgd."
            )
        task = make_task(stage)
        if task.single or not task.has_gradient:
            return f"the task '{stage.task}' computes with them beside its modules; leave it out."
        for option, used in _whole_only(stage).items():
            if used:
                return f"{option} looks at them whole; leave it out."
    why = refusal(network)
    return f"{why}; leave --shard out, or change the network." if why else ""


def _whole_only(stage: Recipe) -> dict[str, bool]:
    """The options of a recipe that need whole weights, and whether they are used."""
    return {
        "--watch": bool(stage.watch),
        "--ema": bool(stage.ema),
        "--freeze": bool(stage.freeze),
        "--max-norm": bool(stage.max_norm),
        "--decay l2": stage.decay == "l2" and bool(stage.weight_decay),
        "--memory-format channels-last": stage.memory_format == "channels-last",
    }
