"""A stack at the table of the loop."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import Any

import torch
from torch import Tensor

from cutaway.data.feed import Batch
from cutaway.learn import optimizers
from cutaway.learn.fleet.stack import LossStack, turned
from cutaway.learn.loop import Seat, Tally
from cutaway.learn.machine import Machine
from cutaway.learn.recipe import Recipe
from cutaway.learn.task import Counts, Player

RATES = ("lr", "weight_decay")
"""Settings of the optimizer in which the members of a stack may differ."""


class StackSeat(Seat):
    """A stack that plays: each member's weights move as its own recipe says.

    Neighbours of one setting share groups of the optimizer, which has to move each weight by its
    own gradients alone; so a member's weights move as they would without the others.
    """

    def __init__(self, stack: LossStack, recipes: Sequence[Recipe], machine: Machine):
        self.parts = neighbours([tuple(getattr(r, name) for name in RATES) for r in recipes])
        made = [
            optimizers.make(recipes[part.start], stack.part(part), stacked=True)
            for part in self.parts
        ]
        self.groups = [list(one.param_groups) for one in made]
        for groups in self.groups[1:]:
            for group in groups:
                made[0].add_param_group(group)
        player = Player("stack", tuple(stack.weights.values()), stack.loss)
        super().__init__(player, (), recipes[0], machine, made[0])

    def _note(self, part: Batch, loss: Tensor, counts: Counts, tally: Tally) -> None:
        for name, value in counts.items():
            tally.add(name, value, len(part))

    def lend(self, seats: Sequence[Seat]) -> None:
        """Give each member's own optimizer its rates, and what this one remembers."""
        for seat in seats:
            vars(seat.evaluations).update(vars(self.evaluations))
        for group, theirs in self._groups(seats):
            for k, (own, state) in enumerate(theirs):
                own["lr"] = group["lr"]
                for p, q in zip(group["params"], own["params"], strict=True):
                    fields = self.optimizer.state[p].items()
                    state[q] = {n: turned(v[k]) if _shape(v) == p.shape else v for n, v in fields}

    def take(self, seats: Sequence[Seat]) -> None:
        """Remember what the members' own optimizers do."""
        vars(self.evaluations).update(vars(seats[0].evaluations))
        for group, theirs in self._groups(seats):
            for i, p in enumerate(group["params"]):
                each = [state[own["params"][i]] for own, state in theirs]
                shape = theirs[0][0]["params"][i].shape
                self.optimizer.state[p] = {
                    n: torch.stack([turned(one[n]) for one in each]) if _shape(v) == shape else v
                    for n, v in each[0].items()
                }

    def _groups(
        self, seats: Sequence[Seat]
    ) -> Iterator[tuple[dict[str, Any], list[tuple[dict[str, Any], dict[Any, Any]]]]]:
        """Each group of the optimizer, with the members' own groups and states."""
        for part, groups in zip(self.parts, self.groups, strict=True):
            own = [seat.optimizer for seat in seats[part]]
            for i, group in enumerate(groups):
                yield group, [(one.param_groups[i], one.state) for one in own]


def neighbours(settings: Sequence[Any]) -> list[slice]:
    """Where equal settings follow each other."""
    ends = list(accumulate(len(list(run)) for _, run in groupby(settings)))
    return [slice(a, b) for a, b in pairwise([0, *ends])]


def _shape(value: Any) -> torch.Size | None:
    return value.shape if isinstance(value, Tensor) else None
