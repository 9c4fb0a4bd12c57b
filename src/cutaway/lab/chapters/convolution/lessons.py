"""Networks with and without sharing, and digits to learn: in the middle, or anywhere."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Record, estimated, mean
from cutaway.lab.figures import SHARE, over
from cutaway.lab.settings import Range
from cutaway.lab.tools.learning import classify
from cutaway.lab.tools.samples import batch_of
from cutaway.learn.fleet.stack import Stack
from cutaway.learn.stats import paired
from cutaway.models.mlp import MLP
from cutaway.models.parts.layers import LocallyConnected2d
from cutaway.models.registry import count
from cutaway.randomness import generator

Sizes = tuple[Annotated[int, Range(10, 60_000)], ...]
Maps = Annotated[int, Range(1, 64)]
Data = Literal["digits", "mnist"]
Make = Callable[[int, int], nn.Module]
RATES = 4e-3, 1.5e-2
"""Of Adam, falling to a twentieth; each network learns at that which suits it."""
TASKS = {"in the middle": 0, "anywhere": 4}
"""Pixels added to each side, within which a digit may lie anywhere."""


class Stage(nn.Sequential):
    """pool(relu(layer(x))), half the side."""

    def __init__(self, layer: nn.Module):
        super().__init__(layer, nn.ReLU(), nn.MaxPool2d(2))


def shared(side: int, maps: int, classes: int = 10, channels: int = 1) -> nn.Module:
    """Two stages of convolutions of 3 x 3, and a dense layer to the classes."""
    layers = nn.Conv2d(channels, maps, 3, padding=1), nn.Conv2d(maps, 2 * maps, 3, padding=1)
    return _two(layers, side, maps, classes)


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


def _two(layers: tuple[nn.Module, nn.Module], side: int, maps: int, classes: int = 10) -> nn.Module:
    ends = nn.Flatten(), nn.Linear(2 * maps * (side // 4) ** 2, classes)
    return nn.Sequential(*map(Stage, layers), *ends)


def scattered(x: Float[Tensor, "n c h w"], margin: int, g: torch.Generator) -> Tensor:
    """Each image anywhere within one whose sides are `margin` longer, dark about it."""
    n, c, h, w = x.shape
    larger = x.new_full((n, c, h + margin, w + margin), x.min().item())
    for i, (top, left) in enumerate(torch.randint(margin + 1, (n, 2), generator=g).tolist()):
        larger[i, :, top : top + h, left : left + w] = x[i]
    return larger


@dataclass(frozen=True)
class Pool:
    """Pictures, and for each replicate which of them it learns from and which test it.

    Attributes:
        overlap: what is added to 1/r where replicates divide the same pictures anew (Nadeau and
            Bengio); 0 where each has pictures of its own.
    """

    x: Float[Tensor, "n c h w"]
    t: Int[Tensor, "n"]
    learned: Int[Tensor, "r m"]
    tested: Int[Tensor, "r k"]
    overlap: float = 0.0

    @property
    def classes(self) -> int:
        return int(self.t.max()) + 1

    def part(self, learned: Int[Tensor, "r m"], tested: Int[Tensor, "r k"]) -> "Pool":
        return replace(self, learned=learned, tested=tested)

    def ahead(self, what: str, a: Float[Tensor, "r"], b: Float[Tensor, "r"]) -> Effect:
        """b - a in points, over the replicates."""
        x, y = a.double().numpy(), b.double().numpy()
        return estimated(what, paired(x, y, self.overlap), len(x), "points")


def divided(x: Tensor, t: Int[Tensor, "n"], replicates: int, seed: int, test: int = 1000) -> Pool:
    """Each replicate divides all pictures anew: a fifth of them, at most `test`, test it."""
    g, test = generator(seed, "divided"), min(test, len(t) // 5)
    order = torch.stack([torch.randperm(len(t), generator=g) for _ in range(replicates)])
    return Pool(x, t, order[:, test:], order[:, :test], test / (len(t) - test))


def taught(
    pool: Pool, make: Callable[[], nn.Module], n: int, steps: int, lr: float, seed: int
) -> Float[Tensor, "r"]:
    """Test accuracy (%) of each replicate after learning from n pictures of its own, in batches of
    32, or 64 where there are thousands; few are not gone through more than 320 times."""
    torch.manual_seed(seed)
    nets = Stack([make() for _ in pool.learned])
    own = pool.learned[:, :n]
    n = own.shape[1]
    size, steps = min(n, 32 if n < 5000 else 64), min(steps, 10 * n)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        index = own[:, batch_of(seed, step, n, size)]
        return pool.x[index], pool.t[index]

    optimizer = torch.optim.Adam(nets.parameters(), lr)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.05, steps)
    optimizer.register_step_post_hook(lambda *_: falling.step())
    classify(nets, batch, optimizer, steps, apart=True)
    right = []
    with torch.no_grad():
        for index in pool.tested.split(500, 1):
            right.append(nets(pool.x[index], apart=True).argmax(2) == pool.t[index])
    return 100 * torch.cat(right, 1).double().mean(1)


def tuned(
    pool: Pool, make: Callable[[], nn.Module], n: int, steps: int, seed: int
) -> Float[Tensor, "r"]:
    """The same with the rate that does best in two replicates on pictures that do not test them: a
    fifth of the n, and up to 500 that are left over."""
    used = max(n * 4 // 5, 1)
    some = pool.part(pool.learned[:2, :used], pool.learned[:2, used : n + 500])
    tries = {lr: taught(some, make, used, steps, lr, seed).mean().item() for lr in RATES}
    return taught(pool, make, n, steps, max(tries, key=lambda lr: tries[lr]), seed)


class Lesson:
    """One task for r networks of a kind, each with a division of the digits and a start of its
    own."""

    def __init__(self, data: Data, margin: int, replicates: int, seed: int):
        images = load(data)
        x = to_float(images.images)
        x = scattered((x - x.mean()) / x.std(), margin, generator(seed, "sharing", margin))
        self.pool = divided(x, images.targets, replicates, seed)
        self.side, self.seed = x.shape[-1], seed

    def permuted(self) -> Int[Tensor, "pixels"]:
        """Give all images their pixels in one and the same random order, and the order."""
        order = torch.randperm(self.side**2, generator=generator(self.seed, "pixels"))
        self.pool.x.copy_(self.pool.x.flatten(2)[..., order].view_as(self.pool.x))
        return order

    def right(
        self, make: Make, maps: int, n: int, steps: int, lr: float | None = None
    ) -> Float[Tensor, "r"]:
        """Test accuracy (%) after learning from n examples, for each replicate; at the rate that
        suits the network, unless one is given."""
        made = partial(make, self.side, maps)
        if lr is None:
            return tuned(self.pool, made, n, steps, self.seed)
        return taught(self.pool, made, n, steps, lr, self.seed)


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
    accuracies: Accuracies, sizes: Sizes, worse: str, better: str, pool: Pool
) -> dict[tuple[str, int], Effect]:
    """`better` minus `worse` by task and number of examples."""
    found = {}
    for task in TASKS:
        for n, a, b in zip(sizes, accuracies[task, worse], accuracies[task, better], strict=True):
            found[task, n] = pool.ahead(f"gain, digits {task}, {n} examples", a, b)
    return found


def level(accuracies: Accuracies, place: int) -> Effect:
    """Accuracy with a number of examples, over networks and tasks: at chance or at 100 % nobody can
    be ahead."""
    all_of_them = torch.stack([y[place] for y in accuracies.values()])
    return mean("accuracy, all networks and tasks", all_of_them.mean(0), "%", SHARE)


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
