"""The one loop: players take turns on batches until the steps are done."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from cutaway.data.feed import Batch, Feed
from cutaway.learn import optimizers
from cutaway.learn.machine import Machine
from cutaway.learn.recipe import Recipe
from cutaway.learn.schedule import rate
from cutaway.learn.tasks import Player
from cutaway.randomness import reseed_global


class NotFinite(Exception):
    """A loss that is not a number, with the batch that gave it."""

    def __init__(self, batch: Batch):
        self.batch = batch


@dataclass
class Tally:
    """Sums over an epoch, kept on the device; `means` is the only place that reads them."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    images: int = 0

    def add(self, name: str, value: Tensor, times: int = 1) -> None:
        """Add `value`, `times` times."""
        if name not in self.sums:
            self.sums[name] = torch.zeros((), dtype=torch.float64, device=value.device)
        self.sums[name].add_(value.detach(), alpha=times)

    def clear(self) -> None:
        """Begin again, for the next epoch."""
        self.sums.clear()
        self.images = 0

    def means(self) -> dict[str, float]:
        """Each sum over the number of images seen."""
        return {name: self.sums[name].item() / self.images for name in sorted(self.sums)}


class Seat:
    """A player at the table, with its optimizer."""

    def __init__(self, player: Player, others: Sequence[Player], recipe: Recipe, machine: Machine):
        self.player, self.recipe, self.machine = player, recipe, machine
        self.held = [p for other in others for p in other.parameters]
        self.optimizer = optimizers.make(recipe, player.parameters)
        self.base = [group["lr"] for group in self.optimizer.param_groups]

    def set_rate(self, share: float) -> None:
        """Put the learning rate at a share of its highest value."""
        for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = base * share

    def move(self, batch: Batch, tally: Tally) -> None:
        """One turn: gradients of this player's loss, then a step of its optimizer."""
        with holding(self.held):
            for _ in range(self.player.turns):
                self._gradients(batch, tally)
                if self.recipe.clip:
                    nn.utils.clip_grad_norm_(self.player.parameters, self.recipe.clip)
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=True)

    def _gradients(self, batch: Batch, tally: Tally) -> None:
        for part in batch.parts(self.recipe.accumulate):
            with self.machine.autocast():
                loss, counts = self.player.loss(part)
            if self.machine.sync_is_free and not math.isfinite(loss.item()):
                raise NotFinite(part)
            share = loss if part is batch else loss * (len(part) / len(batch))
            share.backward()
            tally.add("loss", loss, len(part))
            for name, value in counts.items():
                tally.add(name, value)


def seats(players: Sequence[Player], recipe: Recipe, machine: Machine) -> list[Seat]:
    """A seat for each player, who holds the others' parameters fixed while it moves."""
    return [Seat(p, [q for q in players if q is not p], recipe, machine) for p in players]


def play(table: Sequence[Seat], feed: Feed, tally: Tally, start: int, steps: int) -> Iterator[int]:
    """Play from step `start` to `steps`, giving the number of steps done after each.

    Every draw of a step, dropout's too, comes from streams named by the seed and the step.
    """
    recipe = table[0].recipe
    for step in range(start, steps):
        reseed_global(recipe.seed, "step", step)
        batch = feed.batch(step)
        share = rate(recipe.schedule, step / steps, recipe.warmup)
        for seat in table:
            seat.set_rate(share)
            seat.move(batch, tally)
        tally.images += len(batch)
        yield step + 1


@contextmanager
def holding(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Hold parameters fixed: no gradient reaches them inside."""
    free = [p for p in parameters if p.requires_grad]
    for p in free:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in free:
            p.requires_grad_(True)
