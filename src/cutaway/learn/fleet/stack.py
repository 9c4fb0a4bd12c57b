"""Many networks of one shape as one: their weights lie side by side in one tensor."""

import copy
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from cutaway.data.feed import Batch
from cutaway.learn.task import Counts, Task, Turn

State = Mapping[str, Tensor]
"""Weights or buffers by name."""


class Stack:
    """Networks of one shape as one, which answer all at once.

    Each network stays a network: its parameters and buffers become views of the stack's, so that
    what the stack learns is in it at once.

    Attributes:
        weights: by name, each `turned` and with an axis of members in front: (n, *shape).
    """

    def __init__(self, networks: Sequence[nn.Module]):
        first, self.networks = networks[0], list(networks)
        self._network = copy.deepcopy(first).to("meta")
        self.weights = {
            name: nn.Parameter(gathered([n.get_parameter(name) for n in networks]), p.requires_grad)
            for name, p in first.named_parameters()
        }
        self.buffers = {
            name: gathered([n.get_buffer(name) for n in networks])
            for name, _ in first.named_buffers()
        }

    def __len__(self) -> int:
        return len(self.networks)

    def __call__(
        self, x: Float[Tensor, "*batch"], apart: bool = False
    ) -> Float[Tensor, "n *outputs"]:
        """Each network's outputs for the same batch; `apart`: x has a batch for each, in front."""
        mapped = vmap(self._answer, in_dims=(0, 0, 0 if apart else None), randomness="different")
        return mapped(self.weights, self.buffers, x)

    def parameters(self) -> list[nn.Parameter]:
        """Those that learn."""
        return [p for p in self.weights.values() if p.requires_grad]

    def _answer(self, weights: State, buffers: State, x: Tensor) -> Tensor:
        return functional_call(self._network, member(weights, buffers), (x,))


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
        found: tuple[Tensor, Counts] = functional_call(self.turn, state, (x, t))
        return found

    def part(self, members: slice) -> list[nn.Parameter]:
        """The weights of some members, those that learn; as views, where they are not of all."""
        free = self.parameters()
        return free if members == slice(0, len(self)) else [_view(p, members) for p in free]


def member(weights: State, buffers: State) -> dict[str, Tensor]:
    """One member's slices as its network keeps them."""
    return {name: turned(value) for name, value in {**weights, **buffers}.items()}


def turned(t: Tensor) -> Tensor:
    """As a stack keeps it: matrices transposed, all else as it is; the same again gives it back.

    The gradient of many products x W' at once comes as x' g, which is that of W'. Where W' is what
    is kept, it is taken as it comes; else PyTorch copies it, a seventh of an MLP's step.
    """
    return t.T if t.ndim == 2 else t


def gathered(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors as slices of one, of which they become views."""
    together = torch.stack([turned(t.detach()) for t in tensors])
    for tensor, view in zip(tensors, together, strict=True):
        tensor.data = turned(view)
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
