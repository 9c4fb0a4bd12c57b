"""Choose how a fleet is trained, by a fixed rule on counts.

The way decides the order of sums, and so the last digits of every weight. Nothing here asks a
clock or how much memory is free, so that a busy computer takes the same way as an idle one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from cutaway.data.augment import OwnAugment
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn import runtime as runtimes
from cutaway.learn.augmentation import augmentation_of
from cutaway.learn.counting import count_cost
from cutaway.learn.elsewhere import expect_tasks
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.stackable import capacity, recipe_obstacle, try_stack
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.tasks import make_task
from cutaway.processes import cpus

CALL = 500_000
"""Floating-point operations that a core does while an operation is called, about 20 us."""
STARTING = 100_000_000_000
"""Operations that a core does while a process starts (imports, reading, audit), about 4 s."""
TOGETHER = 0.75
"""Share of their speed that the cores of one network keep, since they wait for each other."""
FEW = 4
"""Members from which on a stack saves more than it costs."""
LIGHT = 300_000_000
"""Operations of a step on a processor from which on arithmetic is all of it, so that a stack,
which saves what comes on top, gains nothing."""


@dataclass(frozen=True)
class Choice:
    """The way in which a fleet is trained.

    Attributes:
        way: a name of `launch.STRATEGIES`.
        why: in a sentence.
        at_once: members that learn as one stack.
        threads: of a member or of the stack, unless the recipe says otherwise.
    """

    way: str
    why: str
    at_once: int
    threads: int


def choose(
    members: Sequence[Recipe], images: ImageSet, way: str, own: OwnAugment | None = None
) -> Choice:
    """The way that is taken: the one that was asked for, or what the rule says.

    Args:
        own: an augmentation of the user's own.

    Raises:
        UsageError: the way that was asked for cannot take these members.
    """
    count, objects = len(members), members[0].data.startswith(OWN) or own is not None
    if way == "side-by-side" and objects:
        raise UsageError(
            "Members side by side are processes of their own, which data or an augmentation that "
            "are objects of yours do not reach: take way='in-turn'."
        )
    counts = Counts(members, images, own)
    if way == "batched" and counts.obstacle:
        raise UsageError(f"These members cannot be batched: {counts.obstacle}. Give --way auto.")
    why = "as asked"
    if way == "auto":
        way, why = counts.advice(beside=not objects)
    at_once = counts.at_once if way == "batched" else 1
    threads = counts.share if way == "side-by-side" else torch.get_num_threads()
    why = f"{count} members, {way}: {why}.{counts.waves(at_once)}"
    return Choice(way, why, at_once, members[0].threads or threads)


def elsewhere(members: Sequence[Recipe], way: str, execution: Execution) -> Choice:
    """Each a task of its own where the execution has its place.

    Raises:
        UsageError: they cannot be tasks.
    """
    if way not in ("auto", "side-by-side"):
        raise UsageError(
            f"Members on Ray are tasks of their own, side by side: leave out --way {way}, or --on."
        )
    threads, why = expect_tasks(members[0].threads, execution), f"each a task on {execution.place}"
    return Choice("side-by-side", f"{len(members)} members, {why}.", 1, threads)


class Counts:
    """Counts of a fleet's members before they learn."""

    def __init__(self, members: Sequence[Recipe], images: ImageSet, own: OwnAugment | None = None):
        self.images, self.threads, self.own = images, members[0].threads, own
        network = self._network(members[0])
        self.convolves = any(p.ndim > 2 for p in network.parameters())
        self.runtime = runtimes.choose(members[0], network)
        self.members = [runtimes.resolved(one, self.runtime) for one in members]
        self.first = self.members[0].in_stages()[0]
        self.task = make_task(self.first)

    def advice(self, beside: bool) -> tuple[str, str]:
        """The way that takes least, and why.

        Args:
            beside: whether members may have processes of their own.
        """
        if not (reason := self.slower or self.obstacle):
            return "batched", "steps so small that a stack takes less"
        cores = cpus() if beside and self.runtime.device == "cpu" else 1
        if cores > self.share and self._beside(cores) < self._in_turn(cores):
            return "side-by-side", f"each on cores of its own ({reason})"
        return "in-turn", f"each with all cores ({reason})"

    @property
    def share(self) -> int:
        """Threads of a member side by side with others."""
        cores = cpus()
        return self.threads or max(1, cores // min(cores, len(self.members)))

    def _in_turn(self, cores: int) -> float:
        """Operations that one core would do meanwhile."""
        return self.operations / speed(min(cores, self.runtime.threads))

    def _beside(self, cores: int) -> float:
        crew = min(cores // self.share, len(self.members))
        return STARTING + self.operations / (crew * speed(self.share))

    @cached_property
    def operations(self) -> float:
        """Floating-point operations of all members, calls included."""
        steps = sum(_steps(recipe, self.images) for recipe in self.members)
        return steps * (self.step_cost[0] + CALL * self.step_cost[1])

    @cached_property
    def step_cost(self) -> tuple[int, int]:
        """Floating-point operations and calls of loss and gradients on a batch."""
        network, feed = self._prepared()

        def work() -> None:
            with self.runtime.autocast():
                loss, _ = self.task.players(network)[0].loss(feed.batch(0))
            if loss.requires_grad:
                loss.backward()

        with torch.random.fork_rng(devices=[]):
            cost = count_cost(work)
        return cost.flops, cost.calls

    @property
    def slower(self) -> str:
        """The reason why a stack would not be faster; nothing where it would."""
        if self.convolves:
            return "a stack of convolutions is slower than one after the other"
        if len(self.members) < FEW:
            return f"a stack pays from {FEW} members on"
        if self.runtime.device == "cpu" and self.step_cost[0] > LIGHT:
            return "a step is arithmetic, of which a stack saves nothing"
        return ""

    @cached_property
    def obstacle(self) -> str:
        """The reason why they cannot be a stack; nothing where they can."""
        return recipe_obstacle(self.members) or self._tried() or self._too_large()

    def _tried(self) -> str:
        (one, feed), (two, _) = self._prepared(), self._prepared()
        with torch.random.fork_rng(devices=[]):
            return try_stack([one, two], self.task, feed.batch(0))

    def _too_large(self) -> str:
        return "memory holds one of these networks at a time" if self.capacity < 2 else ""

    @cached_property
    def capacity(self) -> int:
        """The number of them that may learn at once."""
        network, feed = self._prepared()
        with torch.random.fork_rng(devices=[]):
            return capacity(network, self.task, feed.batch(0), self.runtime.device)

    @property
    def at_once(self) -> int:
        return min(len(self.members), self.capacity)

    def waves(self, at_once: int) -> str:
        """Said where a stack does not hold all."""
        count = len(self.members)
        if at_once in (1, count):
            return ""
        waves = math.ceil(count / at_once)
        return f" {at_once} of {count} fit into memory at a time: {waves} waves."

    def _prepared(self) -> tuple[nn.Module, Feed]:
        """A member's network about to learn, with some images to learn from."""
        recipe, images = self.first, self.images
        some = torch.arange(min(len(images), 2 * recipe.batch_size))
        feed = Feed(
            images, some, batch_size=recipe.batch_size, seed=recipe.seed,
            normalise=Normalise.of(images.images, some),
            augment=augmentation_of(recipe, images.size, self.own), device=self.runtime.device,
            memory_format=self.runtime.torch_memory_format,
            target=images.target.fitted(images.truth, some),
        )  # fmt: skip
        network = self.runtime.place(self._network(recipe)).train()
        self.task.begin(network, feed.batch(0))
        return network, feed

    def _network(self, recipe: Recipe) -> nn.Module:
        images = self.images
        return initial_network(recipe, images.channels, images.target.outputs, images.size)


def speed(threads: int) -> float:
    """Of so many threads on one network, beside that of one."""
    return 1 if threads == 1 else max(1.0, TOGETHER * threads)


def _steps(recipe: Recipe, images: ImageSet) -> int:
    """About how many steps a member takes."""
    learned = (1 - recipe.val) * (1 - recipe.test) * len(images)
    each = (
        stage.epochs * stage.repeat * learned / stage.batch_size for stage in recipe.in_stages()
    )
    return max(1, round(sum(each)))
