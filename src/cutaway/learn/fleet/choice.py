"""Which way a fleet is trained, decided by a short measurement."""

import time
from collections.abc import Sequence

import torch

from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn import machine as machines
from cutaway.learn.fleet.side_by_side import available
from cutaway.learn.fleet.ways import WAYS
from cutaway.learn.loop import Tally, play, seats
from cutaway.learn.network import initial
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import OWN
from cutaway.learn.tasks import make_task

MOMENT = 0.3
"""Seconds that a measurement takes, at least; a first step is not counted."""
STARTING = 4.0
"""Seconds that a process of its own needs before its first step (imports, reading, audit)."""


def choose(members: Sequence[Recipe], images: ImageSet, way: str) -> tuple[str, str]:
    """The way that is taken, and why, in a sentence.

    Raises:
        UsageError: the way that was asked for cannot take these members.
    """
    count = len(members)
    if members[0].data.startswith(OWN) or members[0].model.startswith(OWN):
        if way == "side-by-side":
            raise UsageError(
                "Members side by side read the data themselves, which they cannot where model or "
                "data are objects of your own: take way='in-turn'."
            )
        return "in-turn", f"{count} members in turn, as model or data are your own."
    if way != "auto":
        return way, f"{count} members, {way}, as asked."
    found = estimates(members, images)
    best = min(found, key=found.__getitem__)
    times = ", ".join(f"{name} about {seconds:.0f} s" for name, seconds in found.items())
    return best, f"{count} members: {times}. Taking {best}."


def estimates(members: Sequence[Recipe], images: ImageSet) -> dict[str, float]:
    """Seconds that each way would take, from a few steps of the first member."""
    cores, count = available(), len(members)
    steps = sum(_steps(recipe, images) for recipe in members)
    found = {"in-turn": steps * step_seconds(members[0], images, cores)}
    if cores > 1:
        alone = steps * step_seconds(members[0], images, 1)
        found["side-by-side"] = STARTING + alone / min(cores, count)
    assert found.keys() <= WAYS.keys()
    return found


def step_seconds(recipe: Recipe, images: ImageSet, threads: int) -> float:
    """Seconds of one step of the loop, with so many threads."""
    first = recipe.in_stages()[0].override(seed=recipe.seed)
    network = initial(first, images.channels, len(images.classes), images.size)
    machine = machines.choose(first, network)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            return _timed(first, images, machine.place(network).train(), machine)
    finally:
        torch.set_num_threads(before)


def _timed(
    recipe: Recipe, images: ImageSet, network: torch.nn.Module, machine: machines.Machine
) -> float:
    some = torch.arange(min(len(images), 20 * recipe.batch_size))
    feed = Feed(
        images, some, batch_size=recipe.batch_size, normalise=Normalise.of(images.images[some]),
        device=machine.device, memory_format=machine.torch_memory_format,
    )  # fmt: skip
    task = make_task(recipe)
    task.begin(network, feed.batch(0))
    table = seats(task.players(network), recipe, machine)
    times, started = [], time.perf_counter()
    for _ in play(table, feed, Tally(), 0, 1_000_000):
        times.append(time.perf_counter())
        if len(times) > 2 and times[-1] - started > MOMENT:
            break
    return (times[-1] - times[0]) / (len(times) - 1)


def _steps(recipe: Recipe, images: ImageSet) -> int:
    """About how many steps a member takes."""
    learned = (1 - recipe.val) * (1 - recipe.test) * len(images)
    each = (
        stage.epochs * stage.repeat * learned / stage.batch_size for stage in recipe.in_stages()
    )
    return max(1, round(sum(each)))
