"""Learning without a run, for experiments that ask something of networks while they learn.

A `fleet` trains a recipe many times and keeps every run. Here replicates are a `Stack`, and what
they minimise is the experiment's own; most learn classes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from cutaway.learn.fleet.stack import Stack


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


def log_losses(s: Float[Tensor, "r n k"], t: Int[Tensor, "*r n"]) -> Float[Tensor, "r"]:
    """Each replicate's mean of -log p of the true class; t is for all of them, or for each."""
    return cross_entropy(s.movedim(2, 1), t.expand(s.shape[:2]), reduction="none").mean(1)


def binary_losses(s: Float[Tensor, "r n"], t: Float[Tensor, "*r n"]) -> Float[Tensor, "r"]:
    """The same where a score s says yes (t = 1) or no (t = 0)."""
    return binary_cross_entropy_with_logits(s, t.expand_as(s), reduction="none").mean(1)


def accuracy(s: Num[Tensor, "*r n k"], t: Int[Tensor, "*q n"]) -> Float[Tensor, "*r"]:
    """Accuracy (%): share of examples whose true class has the highest score."""
    return 100 * (s.argmax(-1) == t).double().mean(-1)


def classify(
    nets: Stack,
    batch: Callable[[int], tuple[Tensor, Int[Tensor, "*r b"]]],
    optimizer: torch.optim.Optimizer,
    steps: int,
    apart: bool = False,
) -> Float[Tensor, "steps r"]:
    """Learn the classes of what each step draws; the log-losses on the way.

    Args:
        batch: a step's images and their classes.
        apart: it has a batch for each replicate, in front.
    """

    def losses(step: int) -> Tensor:
        x, t = batch(step)
        return log_losses(nets(x, apart), t)

    return minimise(losses, optimizer, steps)
