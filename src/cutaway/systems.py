"""Whole systems of the course, network and losses, as graphs that are differentiated by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway import byhand, models
from cutaway.data.batch import Batch
from cutaway.errors import UsageError, nearest
from cutaway.learn.recipe import Recipe
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task
from cutaway.randomness import reseed_global

SIDE = 64
"""Largest side of a random image, unless a network needs more."""


@dataclass(frozen=True)
class SystemGraph:
    """The loss of one player of a system, as a graph.

    Attributes:
        graph: J is its first output, the player's parameters are its parameters.
        inputs: a batch for `graph.forward(*inputs)`.
    """

    model: str
    player: str
    graph: byhand.Graph
    inputs: tuple[Tensor, ...]


def system_graphs(
    name: str,
    *,
    images: Float[Tensor, "b c *grid"] | None = None,
    batch: int = 2,
    seed: int = 0,
    player: str = "",
    options: Mapping[str, Any] = {},
) -> list[SystemGraph]:
    """A registered system, new and before training, as one graph for each of its players.

    Args:
        images: what it sees, as its task scales them; made up where none are given.
        batch: how many are made up.
        seed: of the weights and of what is made up.
        player: only this one.
        options: of the model.

    Raises:
        UsageError: an unknown model, player or option, or images that the model cannot take.
    """
    model = models.find(name)
    task = make_task(Recipe(task=model.task))
    x = images if images is not None else _images(model, task, batch, seed)
    size: models.Size = tuple(x.shape[2:])
    example_batch = task.example(x, model.example[1])
    with torch.random.fork_rng(devices=[]):
        reseed_global(seed, "weights")
        network = models.build(name, x.shape[1], model.example[1], size, options).train()
        task.begin(network, example_batch)
    wanted = [one.name for one in task.players(network)] if not player else [player]
    return [system_graph(name, network, task, example_batch, one) for one in wanted]


def system_graph(
    name: str, network: nn.Module, task: Task, batch: Batch, player: str
) -> SystemGraph:
    """The loss of a player of a network as it stands, over the network's own parameters.

    Args:
        name: what the network is called.
        batch: for which it is traced; the graph takes others of the same shapes.

    Raises:
        UsageError: an unknown player, or a network that has no graph by hand.
    """
    players = [one.name for one in task.players(network)]
    if player not in players:
        raise UsageError(f"{name} has no player '{player}'.{nearest(player, players)}")
    inputs = batch.x, batch.t
    graph = _graph(network, task, players.index(player), inputs)
    return SystemGraph(name, player, graph, inputs)


class _PlayerLoss(nn.Module):
    """The loss of a player, as a module of images and targets.

    It asks for the player anew each time: the export knows the path of a module only where it is
    reached through this one, and a loss that was made before (`learn.task.Turn`) holds its own.
    """

    def __init__(self, network: nn.Module, task: Task, index: int):
        super().__init__()
        self.network, self.task, self.index = network, task, index

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        batch = Batch(x, t, torch.arange(len(x), device=x.device))
        return self.task.players(self.network)[self.index].loss(batch)[0]


def _graph(
    network: nn.Module, task: Task, index: int, inputs: tuple[Tensor, Tensor]
) -> byhand.Graph:
    learned = task.players(network)[index].parameters
    return byhand.trace(
        _PlayerLoss(network, task, index), *inputs, learned=learned, within="network."
    )


def _images(model: models.Model, task: Task, batch: int, seed: int) -> Tensor:
    """Noise as the network takes it; for threshold units the truth table."""
    channels, _, size = model.example
    side = (min(size, max(SIDE, model.min_size)),) * 2 if isinstance(size, int) else size
    return task.inputs(channels, side, batch, seed)
