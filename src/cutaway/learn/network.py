"""The network that a recipe begins with."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from cutaway import models
from cutaway.data.feed import Feed
from cutaway.learn.pretrained import load_pretrained
from cutaway.learn.recipe import Recipe
from cutaway.learn.task import Task
from cutaway.randomness import reseed_global

if TYPE_CHECKING:
    from cutaway.learn.run import Run


def initial_network(recipe: Recipe, channels: int, classes: int, size: models.Size) -> nn.Module:
    """The recipe's network, its first weights drawn from the seed; no global stream moves.

    Raises:
        UsageError: an unknown model or option, or images that it cannot take.
    """
    with torch.random.fork_rng(devices=[]):
        reseed_global(recipe.seed, "weights")
        return models.build(recipe.model, channels, classes, size, recipe.model_options)


def prepare(run: "Run", network: nn.Module, task: Task, feed: Feed) -> None:
    """Prepare a network for its first step: initialise it, load weights, show it images."""
    recipe = run.recipe
    with torch.random.fork_rng(devices=[]):
        reseed_global(recipe.seed, "weights")
        batch = feed.batch(0)
        if recipe.init != "own":
            from cutaway.models.parts.initialisers import initialise

            player = task.players(network)[0]
            initialise(network, recipe.init, batch.x, lambda: player.loss(batch))
        if recipe.pretrained:
            load_pretrained(network, models.find(recipe.model), recipe.pretrained)
        task.begin(network, batch)


def head_of(recipe: Recipe) -> str:
    """The module that gives the answers: what the registry says, or was found of one's own."""
    return models.find(recipe.model).head if models.is_model(recipe.model) else recipe.head
