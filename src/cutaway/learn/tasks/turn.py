"""What a player minimises, as a module."""

import torch
from torch import Tensor, nn

from cutaway.data.feed import Batch
from cutaway.learn.tasks.base import Counts, Task


class Turn(nn.Module):
    """The loss of one player as a module of images and targets.

    So it can be traced, or mapped over the parameters of many networks.

    Args:
        index: which of the task's players.
    """

    def __init__(self, network: nn.Module, task: Task, index: int = 0):
        super().__init__()
        self.network = network
        self.loss = task.players(network)[index].loss

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Counts]:
        return self.loss(Batch(x, t, torch.arange(len(x), device=x.device)))
