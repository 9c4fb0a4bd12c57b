"""A game ready to be played: what a run's loop moves, for benches that look inside a step."""

from dataclasses import dataclass, field

import torch
from torch import nn

from bench.peers.cutaway import images_of, recipe_of
from bench.peers.works import WORKS
from cutaway.data.augment import parse
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.learn import runtime as runtimes
from cutaway.learn.loop import MetricTotals, PlayerOptimizer, optimizers_of, training_steps
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.tasks import make_task


@dataclass
class Game:
    """A table and its feed, as `learn.stage` sets them out.

    Attributes:
        step: how many steps have been played.
    """

    recipe: Recipe
    network: nn.Module
    runtime: Runtime
    table: list[PlayerOptimizer]
    feed: Feed
    totals: MetricTotals = field(default_factory=MetricTotals)
    step: int = 0

    def training_steps(self, steps: int) -> None:
        """Some more steps; the machine's session is the caller's."""
        for step in training_steps(
            self.table, self.feed, self.totals, self.step, self.step + steps
        ):
            self.step = step


def work(name: str) -> Game:
    """A work of the race track, as Cutaway runs it there, on all of its images."""
    recipe = recipe_of(name, WORKS[name])
    return set_out(recipe, images_of(name, recipe, WORKS[name]))


def set_out(recipe: Recipe, images: ImageSet, network: nn.Module | None = None) -> Game:
    """The game of a recipe on all of the images, before its first step.

    Args:
        network: one's own; without it the recipe's is built.
    """
    if network is None:
        network = initial_network(recipe, images.channels, len(images.classes), images.size)
    runtime = runtimes.choose(recipe, network)
    recipe = runtimes.resolved(recipe, runtime)
    task = make_task(recipe)
    table = optimizers_of(task.players(runtime.place(network).train()), recipe, runtime)
    feed = Feed(
        images, torch.arange(len(images)), batch_size=recipe.batch_size, seed=recipe.seed,
        normalise=Normalise.of(images.images), augment=parse(recipe.augment),
        repeat=recipe.repeat, device=runtime.device, memory_format=runtime.torch_memory_format,
    )  # fmt: skip
    return Game(recipe, network, runtime, table, feed)
