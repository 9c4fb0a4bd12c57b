"""Replicates for an experiment: networks of one shape that learn side by side, without a run.

A `fleet` trains a recipe many times and keeps every run. Here is what a fleet's stack stands on,
for experiments that ask something of the networks themselves while they learn.
"""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from cutaway.learn.fleet.stack import gathered, turned


class Replicas:
    """r networks of one shape as one: their weights are slices of the same tensors.

    Each network stays a network: its parameters and buffers are views, so that what is learned is
    in it at once.

    Attributes:
        weights: by name, with an axis of replicates in front; matrices transposed (`turned`).
    """

    def __init__(self, networks: Sequence[nn.Module]):
        first = networks[0]
        self.networks = list(networks)
        self.weights = {
            name: nn.Parameter(gathered([n.get_parameter(name) for n in networks]), p.requires_grad)
            for name, p in first.named_parameters()
        }
        self.buffers = {
            name: gathered([n.get_buffer(name) for n in networks])
            for name, _ in first.named_buffers()
        }
        self._empty = copy.deepcopy(first).to("meta")

    def __len__(self) -> int:
        return len(self.networks)

    def __call__(
        self, x: Float[Tensor, "*batch"], apart: bool = False
    ) -> Float[Tensor, "r *outputs"]:
        """Each network's outputs for the same batch; `apart`: x has a batch for each, in front."""
        mapped = vmap(self._answer, in_dims=(0, 0, 0 if apart else None), randomness="different")
        return mapped(self.weights, self.buffers, x)

    def parameters(self) -> list[nn.Parameter]:
        """Those that learn."""
        return [p for p in self.weights.values() if p.requires_grad]

    def _answer(
        self, weights: Mapping[str, Tensor], buffers: Mapping[str, Tensor], x: Tensor
    ) -> Tensor:
        state = {name: turned(value) for name, value in {**weights, **buffers}.items()}
        return functional_call(self._empty, state, (x,))


def minimise(
    losses: Callable[[int], Float[Tensor, "r"]], optimizer: torch.optim.Optimizer, steps: int
) -> Float[Tensor, "steps r"]:
    """Learn from the losses of r replicates at each step, and give them.

    Their sum is differentiated: no replicate has a say in another's gradient, and optimizers that
    work number by number (SGD, Adam, ...) keep them apart.
    """
    history = []
    for step in range(steps):
        loss = losses(step)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        history.append(loss.detach())
    return torch.stack(history)
