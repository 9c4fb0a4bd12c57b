"""Many networks of one shape as one: their weights lie side by side in one tensor."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.learn import optim
from cutaway.learn.loop import MetricTotals, PlayerOptimizer
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, Turn


@dataclass(frozen=True)
class Batches(Batch):
    """A batch for each of n members; as long as one of them."""

    x: Float[Tensor, "n b c *grid"]
    t: Shaped[Tensor, "n b *places"]
    index: Int[Tensor, "n b"]

    def __len__(self) -> int:
        return self.t.shape[1]


class Feeds:
    """The feeds of many members as one; their batches are of one size."""

    def __init__(self, feeds: Sequence[Feed]):
        first, self.feeds = feeds[0], feeds
        self.alike = all(f.plain and f.normalise == first.normalise for f in feeds)

    def batch(self, number: int) -> Batches:
        """Each member's batch, the one that it would get alone."""
        if not self.alike:
            many = [feed.batch(number) for feed in self.feeds]
            x, t, index = (torch.stack([getattr(b, k) for b in many]) for k in ("x", "t", "index"))
            return Batches(x, t, index)
        chosen = torch.stack([feed.indices(number) for feed in self.feeds])
        all_in_one = self.feeds[0].of(chosen.flatten())  # gathered and scaled at once
        x, t = (v.unflatten(0, chosen.shape) for v in (all_in_one.x, all_in_one.t))
        return Batches(x, t, chosen)


State = Mapping[str, Tensor]
"""Weights or buffers by name."""


class Stack:
    """Networks of one shape as one, which answer all at once.

    Each network stays a network: its parameters and buffers become views of the stack's, so that
    what the stack learns is in it at once.

    Attributes:
        weights: by name, each `transposed` and with an axis of members in front: (n, *shape).
    """

    def __init__(self, networks: Sequence[nn.Module]):
        first, self.networks = networks[0], list(networks)
        self._network = copy.deepcopy(first).to("meta")
        self.weights = {
            name: nn.Parameter(stacked([n.get_parameter(name) for n in networks]), p.requires_grad)
            for name, p in first.named_parameters()
        }
        self.buffers = {
            name: stacked([n.get_buffer(name) for n in networks])
            for name, _ in first.named_buffers()
        }

    def __len__(self) -> int:
        return len(self.networks)

    def __call__(
        self, x: Float[Tensor, "*batch"], apart: bool = False
    ) -> Float[Tensor, "n *outputs"]:
        """Each network's outputs for the same batch; `apart`: x has a batch for each, in front."""
        mapped = vmap(self._answer, in_dims=(0, 0, 0 if apart else None), randomness="different")
        outputs: Tensor = mapped(self.weights, self.buffers, x)
        return outputs

    def parameters(self) -> list[nn.Parameter]:
        """Those that learn."""
        return [p for p in self.weights.values() if p.requires_grad]

    def _answer(self, weights: State, buffers: State, x: Tensor) -> Tensor:
        output: Tensor = functional_call(self._network, member(weights, buffers), (x,))
        return output


class LossStack(Stack):
    """A stack that gives the losses of a task, of all networks at once."""

    def __init__(self, networks: Sequence[nn.Module], task: Task):
        super().__init__(networks)
        self.turn = Turn(_one_precision(self._network), task)
        self._losses = vmap(self._loss)

    def loss(self, batch: Batch) -> tuple[Tensor, Counts]:
        """The sum of the members' losses; each member's counts, to which its loss is added."""
        losses, counts = self._losses(self.weights, self.buffers, batch.x, batch.t)
        return losses.sum(), counts | {"loss": losses.detach().double() * len(batch)}

    def _loss(self, weights: State, buffers: State, x: Tensor, t: Tensor) -> tuple[Tensor, Counts]:
        state = {f"network.{name}": value for name, value in member(weights, buffers).items()}
        result: tuple[Tensor, Counts] = functional_call(self.turn, state, (x, t))
        return result

    def part(self, members: slice) -> list[nn.Parameter]:
        """The weights of some members, those that learn; as views, where they are not of all."""
        free = self.parameters()
        return free if members == slice(0, len(self)) else [_view(p, members) for p in free]


def member(weights: State, buffers: State) -> dict[str, Tensor]:
    """One member's slices as its network keeps them."""
    return {name: transposed(value) for name, value in {**weights, **buffers}.items()}


def transposed(t: Tensor) -> Tensor:
    """As a stack keeps it: matrices transposed, all else as it is; the same again gives it back.

    The gradient of many products x W' at once comes as x' g, which is that of W'. Where W' is what
    is kept, it is taken as it comes; else PyTorch copies it, a seventh of an MLP's step.
    """
    return t.T if t.ndim == 2 else t


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors as slices of one, of which they become views."""
    together = torch.stack([transposed(t.detach()) for t in tensors])
    for tensor, view in zip(tensors, together, strict=True):
        tensor.data = transposed(view)
    return together


def _one_precision(network: nn.Module) -> nn.Module:
    """The network, its batch normalisation always computed in the precision of its weights.

    Of one network PyTorch normalises bfloat16 with means and weights in float32, and sums in
    float32; of many at once (vmap) it wants one precision for all of them.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.register_forward_pre_hook(lambda module, inputs: inputs[0].float())
            module.register_forward_hook(lambda module, inputs, y: y.to(inputs[0].dtype))
    return network


def _view(p: nn.Parameter, members: slice) -> nn.Parameter:
    """Part of a parameter as one of its own, which gets its part of each gradient."""
    view = nn.Parameter(p.detach()[members])

    def share(whole: Tensor) -> None:
        assert whole.grad is not None
        view.grad = whole.grad[members]

    p.register_post_accumulate_grad_hook(share)
    return view


RATES = ("lr", "weight_decay")
"""Settings of the optimizer in which the members of a stack may differ."""


class StackOptimizer(PlayerOptimizer):
    """A stack that plays: each member's weights move as its own recipe says.

    Neighbours of one setting share groups of the optimizer, which has to move each weight by its
    own gradients alone; so a member's weights move as they would without the others.
    """

    def __init__(self, stack: LossStack, recipes: Sequence[Recipe], runtime: Runtime):
        self.parts = neighbours([tuple(getattr(r, name) for name in RATES) for r in recipes])
        optimizers = [
            optim.make(recipes[part.start], stack.part(part), stacked=True) for part in self.parts
        ]
        self.groups = [list(one.param_groups) for one in optimizers]
        for groups in self.groups[1:]:
            for group in groups:
                optimizers[0].add_param_group(group)
        player = Player("stack", tuple(stack.weights.values()), stack.loss)
        super().__init__(player, (), recipes[0], runtime, optimizers[0])

    @property
    def rates(self) -> list[float]:
        each = zip(self.parts, self.groups, strict=True)
        return [groups[0]["lr"] for part, groups in each for _ in range(part.start, part.stop)]

    def _note(self, part: Batch, loss: Tensor, counts: Counts, totals: MetricTotals) -> None:
        for name, value in counts.items():
            totals.add(name, value, len(part))

    def save_to(self, optimizers_of: Sequence[PlayerOptimizer]) -> None:
        """Give each member's own optimizer its rates, and what this one remembers."""
        for player_optimizer in optimizers_of:
            vars(player_optimizer.evaluations).update(vars(self.evaluations))
        for group, theirs in self._groups(optimizers_of):
            for k, (own, state) in enumerate(theirs):
                own["lr"] = group["lr"]
                for p, q in zip(group["params"], own["params"], strict=True):
                    fields = self.optimizer.state[p].items()
                    state[q] = {
                        n: transposed(v[k]) if _shape(v) == p.shape else v for n, v in fields
                    }

    def load_from(self, optimizers_of: Sequence[PlayerOptimizer]) -> None:
        """Remember what the members' own optimizers do."""
        vars(self.evaluations).update(vars(optimizers_of[0].evaluations))
        for group, theirs in self._groups(optimizers_of):
            for i, p in enumerate(group["params"]):
                each = [state[own["params"][i]] for own, state in theirs]
                shape = theirs[0][0]["params"][i].shape
                self.optimizer.state[p] = {
                    name: torch.stack([transposed(one[name]) for one in each])
                    if _shape(value) == shape
                    else value
                    for name, value in each[0].items()
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
    """Slices of equal settings that follow each other."""
    ends = list(accumulate(len(list(run)) for _, run in groupby(settings)))
    return [slice(a, b) for a, b in pairwise([0, *ends])]


def _shape(value: Any) -> torch.Size | None:
    return value.shape if isinstance(value, Tensor) else None
