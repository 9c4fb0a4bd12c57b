"""Networks with and without sharing, and digits to learn: in the middle, or anywhere."""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Record, difference
from cutaway.lab.figures import over
from cutaway.lab.settings import Range
from cutaway.lab.tools.learning import accuracy, classify
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP
from cutaway.models.parts.layers import LocallyConnected2d
from cutaway.models.registry import count
from cutaway.randomness import generator

Sizes = tuple[Annotated[int, Range(10, 60_000)], ...]
Maps = Annotated[int, Range(1, 64)]
Data = Literal["digits", "mnist"]
Make = Callable[[int, int], nn.Module]
TASKS = {"in the middle": 0, "anywhere": 4}
"""Pixels added to each side, within which a digit may lie anywhere."""


class Stage(nn.Sequential):
    """pool(relu(layer(x))), half the side."""

    def __init__(self, layer: nn.Module):
        super().__init__(layer, nn.ReLU(), nn.MaxPool2d(2))


def shared(side: int, maps: int) -> nn.Module:
    """Two stages of convolutions of 3 x 3, and a dense layer to ten classes."""
    layers = nn.Conv2d(1, maps, 3, padding=1), nn.Conv2d(maps, 2 * maps, 3, padding=1)
    return _two(layers, side, maps)


def unshared(side: int, maps: int) -> nn.Module:
    """The same, with a kernel for each place."""
    one = LocallyConnected2d(1, maps, 3, (side, side), padding=1)
    return _two(
        (one, LocallyConnected2d(maps, 2 * maps, 3, (side // 2, side // 2), padding=1)), side, maps
    )


def dense(side: int, maps: int) -> nn.Module:
    """An MLP with one hidden layer and as many parameters as `shared`, to within half a node."""
    width = round((count(shared(side, maps)) - 10) / (side**2 + 11))
    return MLP(side**2, [max(width, 1)], 10, "relu")


def _two(layers: tuple[nn.Module, nn.Module], side: int, maps: int) -> nn.Module:
    ends = nn.Flatten(), nn.Linear(2 * maps * (side // 4) ** 2, 10)
    return nn.Sequential(*map(Stage, layers), *ends)


def scattered(x: Float[Tensor, "n c h w"], margin: int, g: torch.Generator) -> Tensor:
    """Each image anywhere within one whose sides are `margin` longer, dark about it."""
    n, c, h, w = x.shape
    larger = x.new_full((n, c, h + margin, w + margin), x.min().item())
    for i, (top, left) in enumerate(torch.randint(margin + 1, (n, 2), generator=g).tolist()):
        larger[i, :, top : top + h, left : left + w] = x[i]
    return larger


class Lesson:
    """One task for r networks of a kind, each with training examples and a start of its own."""

    def __init__(self, data: Data, margin: int, replicates: int, seed: int, test: int = 1000):
        learned, tested = samples(load(data), seed, test=test)
        g = generator(seed, "sharing", margin)
        self.learned, self.tested = (
            Samples(scattered(s.x, margin, g), s.t) for s in (learned, tested)
        )
        self.side = self.learned.x.shape[-1]
        self.order = torch.rand(replicates, len(learned), generator=g).argsort(1)
        self.seed = seed

    def permuted(self) -> Int[Tensor, "pixels"]:
        """Give all images their pixels in one and the same random order, and the order."""
        order = torch.randperm(self.side**2, generator=generator(self.seed, "pixels"))
        for s in (self.learned, self.tested):
            s.x.copy_(s.x.flatten(2)[..., order].view_as(s.x))
        return order

    def right(
        self, make: Make, maps: int, n: int, steps: int, lr: float = 5e-3
    ) -> Float[Tensor, "r"]:
        """Test accuracy (%) after learning from n examples of its own, for each replicate."""
        torch.manual_seed(self.seed)
        nets = Stack([make(self.side, maps) for _ in self.order])
        own = self.order[:, :n]
        n = own.shape[1]

        def batch(step: int) -> tuple[Tensor, Tensor]:
            index = own[:, batch_of(self.seed, step, n, min(n, 32))]
            return self.learned.x[index], self.learned.t[index]

        classify(nets, batch, torch.optim.Adam(nets.parameters(), lr), steps, apart=True)
        with torch.no_grad():
            return accuracy(nets(self.tested.x), self.tested.t)


Accuracies = dict[tuple[str, str], Float[Tensor, "sizes r"]]


def compared(
    nets: dict[str, Make], sizes: Sizes, maps: int, steps: int, lessons: dict[str, Lesson]
) -> Accuracies:
    """Test accuracy by task and network, for each number of examples and replicate."""
    return {
        (task, name): torch.stack([lesson.right(make, maps, n, steps) for n in sizes])
        for task, lesson in lessons.items()
        for name, make in nets.items()
    }


def gaps(
    accuracies: Accuracies, sizes: Sizes, worse: str, better: str
) -> dict[tuple[str, int], Effect]:
    """`better` minus `worse` by task and number of examples."""
    gaps = {}
    for task in TASKS:
        for n, a, b in zip(sizes, accuracies[task, worse], accuracies[task, better], strict=True):
            gaps[task, n] = difference(f"gain, digits {task}, {n} examples", a, b, "points")
    return gaps


def curves(record: Record, accuracies: Accuracies, sizes: Sizes) -> None:
    """A figure for each task."""
    for task in TASKS:
        series = [over(name, sizes, y) for (where, name), y in accuracies.items() if where == task]
        axes = "training examples", "test accuracy (%)"
        record.curves(f"Digits {task}", *axes, *series, x_log=True, levels={10.0: "chance"})


def table(record: Record, accuracies: Accuracies, sizes: Sizes) -> None:
    """Means over the replicates."""
    rows = tuple((task, name, *y.mean(1).tolist()) for (task, name), y in accuracies.items())
    columns = "digits", "network", *(f"{n} examples" for n in sizes)
    record.table("Test accuracy (%), means", rows, columns)
