"""A game ready to be played: what a run's loop moves, for benches that look inside a step."""

from dataclasses import dataclass, field

import torch
from torch import nn

from bench.peers.cutaway import images_of, recipe_of
from bench.peers.works import WORKS
from cutaway.data.augment import parse
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.learn import machine as machines
from cutaway.learn.loop import Seat, Tally, play, seats
from cutaway.learn.machine import Machine
from cutaway.learn.network import initial
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import make_task


@dataclass
class Game:
    """A table and its feed, as `learn.stage` sets them out.

    Attributes:
        step: how many steps have been played.
    """

    recipe: Recipe
    network: nn.Module
    machine: Machine
    table: list[Seat]
    feed: Feed
    tally: Tally = field(default_factory=Tally)
    step: int = 0

    def play(self, steps: int) -> None:
        """Some more steps; the machine's session is the caller's."""
        for step in play(self.table, self.feed, self.tally, self.step, self.step + steps):
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
        network = initial(recipe, images.channels, len(images.classes), images.size)
    machine = machines.choose(recipe, network)
    recipe = machines.resolved(recipe, machine)
    task = make_task(recipe)
    table = seats(task.players(machine.place(network).train()), recipe, machine)
    feed = Feed(
        images, torch.arange(len(images)), batch_size=recipe.batch_size, seed=recipe.seed,
        normalise=Normalise.of(images.images), augment=parse(recipe.augment),
        repeat=recipe.repeat, device=machine.device, memory_format=machine.torch_memory_format,
    )  # fmt: skip
    return Game(recipe, network, machine, table, feed)
