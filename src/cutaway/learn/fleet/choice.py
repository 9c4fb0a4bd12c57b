"""Which way a fleet is trained, decided by a short measurement."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from cutaway.data.augment import parse
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn import machine as machines
from cutaway.learn.fleet.batches import Feeds
from cutaway.learn.fleet.seat import StackSeat
from cutaway.learn.fleet.side_by_side import available
from cutaway.learn.fleet.stack import Stack
from cutaway.learn.fleet.stackable import differences, room, trial
from cutaway.learn.loop import Seat, Supply, Tally, play, seats
from cutaway.learn.network import initial
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import OWN
from cutaway.learn.tasks import make_task

MOMENT = 0.3
"""Seconds that a measurement takes, at least; a first step is not counted."""
STARTING = 4.0
"""Seconds that a process of its own needs before its first step (imports, reading, audit)."""
LONG = 0.05
"""Seconds of a step on a processor from which on arithmetic is all of it, so that a stack, which
saves what comes on top, is not tried."""


@dataclass(frozen=True)
class Choice:
    """How a fleet is trained.

    Attributes:
        way: a name of `ways.WAYS`.
        why: in a sentence.
        at_once: members that learn as one stack.
    """

    way: str
    why: str
    at_once: int = 1


def choose(members: Sequence[Recipe], images: ImageSet, way: str) -> Choice:
    """The way that is taken: the one that was asked for, or the fastest.

    Raises:
        UsageError: the way that was asked for cannot take these members.
    """
    count, own_data = len(members), members[0].data.startswith(OWN)
    if way == "side-by-side" and own_data:
        raise UsageError(
            "Members side by side read the data themselves, which they cannot where these are an "
            "object of your own: take way='in-turn'."
        )
    if way == "batched":
        return _batched(members, images)
    if way != "auto":
        return Choice(way, f"{count} members, {way}, as asked.")
    bench = Bench(members, images)
    times = bench.estimates(beside=not own_data)
    best = min(times, key=times.__getitem__)
    said = ", ".join(f"{name} about {seconds:.0f} s" for name, seconds in times.items())
    why = f"{count} members: {said}{bench.remark}. Taking {best}."
    return Choice(best, why + bench.waves * (best == "batched"), bench.at_once)


def _batched(members: Sequence[Recipe], images: ImageSet) -> Choice:
    bench = Bench(members, images)
    if bench.against:
        raise UsageError(f"These members cannot be batched: {bench.against}. Give --way auto.")
    why = f"{len(members)} members, batched, as asked.{bench.waves}"
    return Choice("batched", why, bench.at_once)


class Bench:
    """A fleet's members tried for a moment.

    Attributes:
        at_once: how many of them a stack holds, once `against` has been asked.
        remark: why a stack was not tried.
    """

    def __init__(self, members: Sequence[Recipe], images: ImageSet):
        self.images = images
        self.machine = machines.choose(members[0], self._network(members[0]))
        self.members = [machines.resolved(one, self.machine) for one in members]
        self.first = self.members[0].in_stages()[0]
        self.task = make_task(self.first)
        self.at_once, self.remark = 1, ""

    @cached_property
    def against(self) -> str:
        """What stands against a stack of them; nothing where nothing does."""
        return differences(self.members) or self._tried()

    def _tried(self) -> str:
        network, feed = self._begun(self.first)
        with torch.random.fork_rng(devices=[]):
            fitting = room(network, self.task, feed.batch(0), self.machine.device)
            two = [self._begun(self.first)[0] for _ in range(2)]
            against = trial(two, self.task, feed.batch(0))
        if fitting < 2 and not against:
            return "memory holds only one of these networks at a time while it learns"
        self.at_once = min(len(self.members), fitting)
        return against

    @property
    def waves(self) -> str:
        """Said where memory does not hold all."""
        count = len(self.members)
        if self.at_once >= count:
            return ""
        groups = math.ceil(count / self.at_once)
        return f" Memory holds {self.at_once} of {count} at a time: {groups} waves."

    def estimates(self, beside: bool) -> dict[str, float]:
        """Seconds that each way would take, from a few steps.

        Args:
            beside: whether members may have processes of their own.
        """
        cores, count = available(), len(self.members)
        steps = sum(_steps(recipe, self.images) for recipe in self.members)
        threads = min(cores, self.machine.threads)
        alone = self.alone(threads)
        found = {"in-turn": steps * alone}
        if beside and cores > 1:
            single = alone if threads == 1 else self.alone(1)
            found["side-by-side"] = STARTING + steps * single / min(cores, count)
        if self.machine.device == "cpu" and alone >= LONG:
            self.remark = " (batched not tried: a step is arithmetic alone)"
        elif self.against:
            self.remark = f" (not batched: {self.against})"
        else:
            waves = math.ceil(count / self.at_once)
            found["batched"] = waves * steps / count * self.stacked()
        return found

    def alone(self, threads: int) -> float:
        """Seconds of a step of one member, with so many threads."""
        with machines.computing(threads):
            network, feed = self._begun(self.first)
            return _seconds(seats(self.task.players(network), self.first, self.machine), feed)

    def stacked(self) -> float:
        """Seconds of a step of a stack."""
        some = self.members[: self.at_once]
        begun = [self._begun(recipe) for recipe in some]
        stack = Stack([network for network, _ in begun], self.task)
        seat = StackSeat(stack, some, self.machine)
        return _seconds([seat], Feeds([feed for _, feed in begun]))

    def _begun(self, recipe: Recipe) -> tuple[nn.Module, Feed]:
        """A member's network about to learn, with some images to learn from."""
        some = torch.arange(min(len(self.images), 20 * recipe.batch_size))
        feed = Feed(
            self.images, some, batch_size=recipe.batch_size, seed=recipe.seed,
            normalise=Normalise.of(self.images.images, some), augment=parse(recipe.augment),
            device=self.machine.device, memory_format=self.machine.torch_memory_format,
        )  # fmt: skip
        network = self.machine.place(self._network(recipe)).train()
        self.task.begin(network, feed.batch(0))
        return network, feed

    def _network(self, recipe: Recipe) -> nn.Module:
        images = self.images
        return initial(recipe, images.channels, len(images.classes), images.size)


def _seconds(table: Sequence[Seat], feed: Supply) -> float:
    """Of a step of the loop."""
    times, started = list[float](), time.perf_counter()
    with torch.random.fork_rng(devices=[]):
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
