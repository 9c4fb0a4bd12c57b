"""A stack of networks as a player with one optimizer, for the loop."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import Any

import torch
from torch import Tensor

from cutaway.data.feed import Batch
from cutaway.learn import optim
from cutaway.learn.fleet.stack import LossStack, turned
from cutaway.learn.loop import MetricTotals, PlayerOptimizer
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player

RATES = ("lr", "weight_decay")
"""Settings of the optimizer in which the members of a stack may differ."""


class StackOptimizer(PlayerOptimizer):
    """A stack that plays: each member's weights move as its own recipe says.

    Neighbours of one setting share groups of the optimizer, which has to move each weight by its
    own gradients alone; so a member's weights move as they would without the others.
    """

    def __init__(self, stack: LossStack, recipes: Sequence[Recipe], runtime: Runtime):
        self.parts = neighbours([tuple(getattr(r, name) for name in RATES) for r in recipes])
        made = [
            optim.make(recipes[part.start], stack.part(part), stacked=True) for part in self.parts
        ]
        self.groups = [list(one.param_groups) for one in made]
        for groups in self.groups[1:]:
            for group in groups:
                made[0].add_param_group(group)
        player = Player("stack", tuple(stack.weights.values()), stack.loss)
        super().__init__(player, (), recipes[0], runtime, made[0])

    def _note(self, part: Batch, loss: Tensor, counts: Counts, totals: MetricTotals) -> None:
        for name, value in counts.items():
            totals.add(name, value, len(part))

    def lend(self, optimizers_of: Sequence[PlayerOptimizer]) -> None:
        """Give each member's own optimizer its rates, and what this one remembers."""
        for player_optimizer in optimizers_of:
            vars(player_optimizer.evaluations).update(vars(self.evaluations))
        for group, theirs in self._groups(optimizers_of):
            for k, (own, state) in enumerate(theirs):
                own["lr"] = group["lr"]
                for p, q in zip(group["params"], own["params"], strict=True):
                    fields = self.optimizer.state[p].items()
                    state[q] = {n: turned(v[k]) if _shape(v) == p.shape else v for n, v in fields}

    def take(self, optimizers_of: Sequence[PlayerOptimizer]) -> None:
        """Remember what the members' own optimizers do."""
        vars(self.evaluations).update(vars(optimizers_of[0].evaluations))
        for group, theirs in self._groups(optimizers_of):
            for i, p in enumerate(group["params"]):
                each = [state[own["params"][i]] for own, state in theirs]
                shape = theirs[0][0]["params"][i].shape
                self.optimizer.state[p] = {
                    n: torch.stack([turned(one[n]) for one in each]) if _shape(v) == shape else v
                    for n, v in each[0].items()
                }

    def _groups(
        self, optimizers_of: Sequence[PlayerOptimizer]
    ) -> Iterator[tuple[dict[str, Any], list[tuple[dict[str, Any], dict[Any, Any]]]]]:
        """Each group of the optimizer, with the members' own groups and states."""
        for part, groups in zip(self.parts, self.groups, strict=True):
            own = [player_optimizer.optimizer for player_optimizer in optimizers_of[part]]
            for i, group in enumerate(groups):
                yield group, [(one.param_groups[i], one.state) for one in own]


def neighbours(settings: Sequence[Any]) -> list[slice]:
    """Where equal settings follow each other."""
    ends = list(accumulate(len(list(run)) for _, run in groupby(settings)))
    return [slice(a, b) for a, b in pairwise([0, *ends])]


def _shape(value: Any) -> torch.Size | None:
    return value.shape if isinstance(value, Tensor) else None
