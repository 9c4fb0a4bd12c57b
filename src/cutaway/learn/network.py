"""The network that a recipe begins with."""

import torch
from torch import nn

from cutaway import models
from cutaway.learn.recipe import Recipe
from cutaway.randomness import reseed_global


def initial(recipe: Recipe, channels: int, classes: int, size: models.Size) -> nn.Module:
    """The recipe's network, its first weights drawn from the seed; no global stream moves.

    Raises:
        UsageError: an unknown model or option, or images that it cannot take.
    """
    with torch.random.fork_rng(devices=[]):
        reseed_global(recipe.seed, "weights")
        return models.build(recipe.model, channels, classes, size, recipe.model_options)
