"""A network, its images and a recipe for tests of the loop."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.learn import runtime as runtimes
from cutaway.learn.decay import apply_decay
from cutaway.learn.loop import MetricTotals, optimizers_of, training_steps
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks.classify import Classify

# The loop is held to another one to rounding, and that of bfloat16 would hide a fault.
RECIPE = Recipe(
    batch_size=16, lr=0.1, label_smoothing=0.1, schedule="linear", warmup=0.25, device="cpu",
    precision="float32",
)  # fmt: skip


def data(n: int = 64) -> ImageSet:
    g = torch.Generator().manual_seed(3)
    pixels = torch.randint(0, 256, (n, 6, 6, 1), generator=g, dtype=torch.uint8)
    targets = torch.randint(0, 3, (n,), generator=g)
    return ImageSet(pixels, targets, ("a", "b", "c"), Numbered("x", n))


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3))


def feed(recipe: Recipe) -> Feed:
    return Feed(
        data(), torch.arange(64), batch_size=recipe.batch_size, normalise=Normalise((0.5,), (0.3,)),
        seed=recipe.seed,
    )  # fmt: skip


def trained(recipe: Recipe, steps: int) -> nn.Module:
    """The network after some steps."""
    model = network()
    table = optimizers_of(
        Classify(recipe.label_smoothing).players(model), recipe, runtimes.choose(recipe, model)
    )
    for player_optimizer in table:
        apply_decay(player_optimizer.optimizer, recipe)
    for _ in training_steps(table, feed(recipe), MetricTotals(), 0, steps):
        pass
    return model


def weights(model: nn.Module) -> torch.Tensor:
    """All of them in a row."""
    return parameters_to_vector(model.parameters()).detach()
