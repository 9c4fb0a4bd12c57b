"""Replicates of dense networks that learn digits, each at a learning rate of its own."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.settings import Range
from cutaway.lab.tools.learning import accuracy, log_losses, minimise
from cutaway.lab.tools.samples import Samples, batch_of
from cutaway.learn.fleet.stack import Stack
from cutaway.models.parts.activations import ACTIVATIONS, activation
from cutaway.models.parts.initialisers import initialise
from cutaway.see.probe import answers, resting

Images = Annotated[int, Range(70, 60_000)]
"""Training images."""


def dense(
    widths: Sequence[int], tau: str = "relu", start: str = "he", norm: bool = False, drop: float = 0
) -> nn.Sequential:
    """Flattened images through hidden layers of some `widths`; the last is the number of classes.

    Args:
        widths: of the input and of every layer.
        norm: batch-normalise before each activation.
        drop: share of each hidden layer that dropout leaves out.
    """
    net = nn.Sequential(nn.Flatten())
    for n_in, n_out in pairwise(widths[:-1]):
        net.append(nn.Linear(n_in, n_out))
        if norm:
            net.append(nn.BatchNorm1d(n_out))
        net.append(activation(tau))
        if drop:
            net.append(nn.Dropout(drop))
    net.append(nn.Linear(widths[-2], widths[-1]))
    initialise(net, start)
    return net


def descend(
    nets: Stack,
    data: Samples,
    seed: int,
    steps: int,
    batch: int,
    rates: float | Float[Tensor, "r"],
    momentum: float = 0.0,
    more: Callable[[], Float[Tensor, "r"]] | None = None,
    first: int = 0,
) -> Float[Tensor, "steps r"]:
    """Stochastic gradient descent; the log-loss of each network at each step.

    A loss times a rate, learned at the rate 1, is the loss learned at that rate: so replicates of
    many rates are one tensor.

    Args:
        more: what is added to each loss, such as a penalty.
        first: step to begin with.
    """
    seen = []

    def losses(step: int) -> Tensor:
        index = batch_of(seed, first + step, len(data), batch)
        loss = log_losses(nets(data.x[index]), data.t[index])
        seen.append(loss.detach())
        return rates * (loss + more() if more else loss)

    minimise(losses, torch.optim.SGD(nets.parameters(), 1.0, momentum), steps)
    return torch.stack(seen)


def hidden(net: nn.Module, x: Tensor) -> dict[str, Float[Tensor, "n units"]]:
    """Outputs of each hidden layer, after its activation."""
    kinds = tuple(type(activation(name)) for name in ACTIVATIONS)
    return answers(net, x, [name for name, m in net.named_modules() if isinstance(m, kinds)])


@torch.no_grad()
def scores(nets: Stack, x: Tensor) -> Float[Tensor, "r n k"]:
    """Scores of each network in evaluation mode."""
    outputs = []
    for net in nets.networks:
        with resting(net):
            outputs.append(net(x))
    return torch.stack(outputs)


def right(nets: Stack, data: Samples) -> Float[Tensor, "r"]:
    """Accuracy of each network (%)."""
    return accuracy(scores(nets, data.x), data.t)


def log_loss(nets: Stack, data: Samples) -> Float[Tensor, "r"]:
    """Mean of -log p of the true class, at rest."""
    return log_losses(scores(nets, data.x).double(), data.t)
