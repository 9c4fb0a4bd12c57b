"""The one loop: players take turns on batches until the steps are done."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cutaway.data.batch import Batch
from cutaway.learn import optim
from cutaway.learn.optim import Closure, Evaluations
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.schedule import rate
from cutaway.learn.task import Counts, Player
from cutaway.randomness import reseed_global
from cutaway.together.draws import sharing

Found = Callable[[], tuple[Tensor, Counts]]
"""Waits for the mean loss of a part of a batch and its counts, which are the same everywhere."""


class NotFinite(Exception):
    """A loss that is not a number, with the player and the batch that gave it."""

    def __init__(self, player: Player, batch: Batch):
        self.player, self.batch = player, batch


@dataclass
class MetricTotals:
    """Sums over an epoch, kept on the device; `means` is the only place that reads them.

    Attributes:
        images: how many images each sum is over.
    """

    sums: dict[str, Tensor] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, value: Tensor | float, images: int) -> None:
        """Add a sum over `images` images; of many networks, a sum for each."""
        if name not in self.sums:
            self.sums[name] = torch.zeros_like(torch.as_tensor(value), dtype=torch.float64)
            self.images[name] = 0
        self.sums[name].add_(value.detach() if isinstance(value, Tensor) else value)
        self.images[name] += images

    def clear(self) -> None:
        """Begin again, for the next epoch."""
        self.sums.clear()
        self.images.clear()

    def means(self) -> dict[str, float]:
        """Each sum over its number of images."""
        return {name: self.sums[name].item() / self.images[name] for name in sorted(self.sums)}

    @property
    def finite(self) -> bool:
        """Whether every sum is a number; waits for the device."""
        return all(math.isfinite(value.item()) for value in self.sums.values())


class PlayerOptimizer:
    """A player with its optimizer.

    Args:
        prefix: what its figures are called by, where there are several players.

    Attributes:
        compared: whether the optimizer looks at the loss, and not at its gradients alone.
        factor, most: of the learning rate, and images of a batch that are learned from, for who
            reaches in while it learns.
        scheduled: the learning rate of the last step, by the schedule alone.
        evaluations: how often its loss was computed since the run began; kept with the state of
            its optimizer.
    """

    def __init__(
        self,
        player: Player,
        others: Sequence[Player],
        recipe: Recipe,
        runtime: Runtime,
        optimizer: Optimizer,
        prefix: str = "",
    ):
        self.player, self.recipe, self.runtime, self.prefix = player, recipe, runtime, prefix
        self.held = [p for other in others for p in other.parameters]
        self.optimizer, self.step = optimizer, optim.step_of(optimizer)
        self.compared, self.factor = not optim.find(recipe.optimizer).elementwise, 1.0
        self.most: int | None = None
        self.base = [group["lr"] for group in self.optimizer.param_groups]
        self.scheduled = self.base[0]
        self.evaluations = Evaluations()
        optim.flatten_state(self.optimizer, self.evaluations)

    def set_rate(self, share: float) -> None:
        """Put the learning rate at a share of its highest value."""
        self.scheduled = self.base[0] * share * self.player.rate
        for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = base * share * self.player.rate * self.factor

    @property
    def rates(self) -> list[float]:
        """The learning rate of each of its networks: of one, unless it moves a stack."""
        return [self.optimizer.param_groups[0]["lr"]]

    def move(self, batches: Sequence[Batch], totals: MetricTotals) -> None:
        """The player's turns: its optimizer steps, asking for the loss as it needs."""
        with held_fixed(self.held):
            for batch in batches[: self.player.turns]:
                self.step(self._closure(batch.first(self.most), totals))
                if self.recipe.max_norm:
                    limit_rows(self.player.parameters, self.recipe.max_norm)

    def _closure(self, batch: Batch, totals: MetricTotals) -> Closure:
        """The loss on a batch, which is tallied, and has to be a number, the first time only."""

        def shares(first: bool) -> Iterator[Tensor]:
            for part in batch.parts(self.recipe.accumulate):
                with self.runtime.autocast(), sharing(part.share):
                    loss, counts = self.player.loss(part)
                found = self._of_all(part, loss, counts) if first else None
                weight = part.weight * part.whole / batch.whole
                yield loss if weight == 1 else loss * weight  # and it is passed back meanwhile
                if found is not None:
                    self._note(part, *found(), totals)

        return Closure(
            shares, self.player.parameters, self.recipe.clip, self.evaluations, self.runtime.team,
            compared=self.compared,
        )  # fmt: skip

    def _note(self, part: Batch, loss: Tensor, counts: Counts, totals: MetricTotals) -> None:
        free = self.runtime.sync_is_free
        mean = loss.item() if free else loss.detach().double()  # a number costs less to add
        if free and not math.isfinite(mean):
            raise NotFinite(self.player, part)
        totals.add(f"{self.prefix}loss", mean * part.whole, part.whole)
        for name, value in counts.items():
            totals.add(self.prefix + name, value, part.whole)

    def _of_all(self, part: Batch, loss: Tensor, counts: Counts) -> Found:
        """Begin to add up what a part comes to with its rows in all processes."""
        if self.runtime.team.alone:
            return lambda: (loss, counts)
        several = [loss.detach().double() * part.weight, *(v.double() for v in counts.values())]
        added = self.runtime.team.adding(torch.stack(several))

        def found() -> tuple[Tensor, Counts]:
            mean, *sums = added().unbind()
            return mean, dict(zip(counts, sums, strict=True))

        return found


@torch.no_grad()
def limit_rows(parameters: Sequence[nn.Parameter], most: float) -> None:
    """Shorten each row of a weight matrix (what one unit weighs its inputs by) to a norm.

    Source: Srivastava et al. 2014, section 5.1.
    """
    for p in parameters:
        if p.requires_grad and p.ndim > 1:
            p.renorm_(2, 0, most)


def optimizers_of(
    players: Sequence[Player],
    recipe: Recipe,
    runtime: Runtime,
    slow: Collection[nn.Parameter] = (),
) -> list[PlayerOptimizer]:
    """Each player with its optimizer; it holds the others' parameters fixed while it moves.

    Args:
        slow: parameters that learn with the recipe's `backbone_rate`.
    """
    several = len(players) > 1

    def player_optimizer(p: Player) -> PlayerOptimizer:
        others = [q for q in players if q is not p]
        optimizer = optim.make(recipe, p.parameters, slow)
        return PlayerOptimizer(p, others, recipe, runtime, optimizer, f"{p.name}_" * several)

    return [player_optimizer(p) for p in players]


def batches_per_step(player_optimizers: Sequence[PlayerOptimizer]) -> int:
    """Batches that a step takes: as many as the player with the most turns needs."""
    return max(player_optimizer.player.turns for player_optimizer in player_optimizers)


@runtime_checkable
class Supply(Protocol):
    """A source of batches, by their numbers."""

    def batch(self, number: int) -> Batch: ...


def training_steps(
    player_optimizers: Sequence[PlayerOptimizer],
    feed: Supply,
    totals: MetricTotals,
    start: int,
    steps: int,
) -> Iterator[int]:
    """Play from step `start` to `steps`, giving the number of steps done after each."""
    recipe = player_optimizers[0].recipe
    for step in range(start, steps):
        share = rate(recipe.schedule, step, steps, recipe.warmup)
        take_step(player_optimizers, feed, totals, step, share)
        yield step + 1


def take_step(
    player_optimizers: Sequence[PlayerOptimizer],
    feed: Supply,
    totals: MetricTotals,
    step: int,
    share: float,
) -> None:
    """Each player moves, at a share of its highest learning rate.

    Every draw of a step, dropout's too, comes from streams named by the seed and the step.
    """
    count = batches_per_step(player_optimizers)
    reseed_global(player_optimizers[0].recipe.seed, "step", step)
    batches = [feed.batch(step * count + i) for i in range(count)]
    for player_optimizer in player_optimizers:
        player_optimizer.set_rate(share)
        player_optimizer.move(batches, totals)


@contextmanager
def held_fixed(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Hold parameters fixed: no gradient reaches them inside."""
    free = [p for p in parameters if p.requires_grad]
    for p in free:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in free:
            p.requires_grad_(True)
