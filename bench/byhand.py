"""Backpropagation by hand beside autograd: accuracy from the same seed, and steps a second.

CUTAWAY_DATA=... python -m bench.byhand [--pairs 5] [--epochs 2]

The main loop and algorithm 4-1 learn from the same batches with the same first weights, by plain
gradient descent. Then both take steps in turn, autograd with torch.optim.SGD.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from cutaway.byhand import Graph, trace
from cutaway.byhand.descent import descend
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.memory import keeping_freed
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.stage import Stage
from cutaway.recipes import pair

RATES = {"lenet5": 0.1, "deep_mlp": 0.1}
RATE = 0.05


def recipe(model: str, epochs: int) -> Recipe:
    """Algorithm 4-1: no momentum, no schedule, no decay."""
    return pair(model, "mnist").override(
        optimizer="sgd", momentum=0.0, optimizer_options={}, lr=RATES[model], schedule="constant",
        warmup=0.0, weight_decay=0.0, label_smoothing=0.0, augment="none", val=0.0, patience=0,
        epochs=epochs, batch_size=128, precision="float32", device="cpu",
    )  # fmt: skip


class Loss(nn.Module):
    """J of a batch."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return nn.functional.cross_entropy(self.network(x), t)


def compared(model: str, epochs: int) -> dict[str, float]:
    """Test accuracy of the main loop and of algorithm 4-1, and how far their weights are apart."""
    images = load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe(model, epochs), images, out=Path(folder) / "run")
        theirs = run.model
        network = first(run)
        stage = Stage(0, run.recipe, run, images, network)
        J = list(descend(graph_of(network, stage), batches(stage), RATES[model]))
        answers = run.task.evaluate(
            network, run.feed(images, run.split.test), run.data.target, run.runtime
        )
        accuracy = run.results["accuracy"]
    return {
        "main loop": accuracy,
        "by hand": answers.summary()["accuracy"],
        "weights apart": apart(network, theirs),
        "last J": statistics.mean(J[-100:]),
    }


def drift(count: int, orders: int = 8) -> tuple[float, list[float]]:
    """How far LeNet-5 is from autograd's after `count` steps from the same start.

    Returns:
        By hand; and autograd itself with the batch's images in other orders, the same sums added
        up otherwise, from the nearest to the furthest.
    """
    draw = torch.Generator().manual_seed(0)
    x, t = torch.randn(64, 1, 28, 28, generator=draw), torch.arange(64) % 10
    origin = initial_network(recipe("lenet5", 1), 1, 10, (28, 28))
    one, hand = copy.deepcopy(origin), copy.deepcopy(origin)
    by_autograd(one, x, t, count)
    list(descend(trace(Loss(hand), x, t), [(x, t)] * count, RATE))
    others = []
    for _ in range(orders):
        other, order = copy.deepcopy(origin), torch.randperm(64, generator=draw)
        by_autograd(other, x[order], t[order], count)
        others.append(apart(other, one))
    return apart(hand, one), sorted(others)


def by_autograd(network: nn.Module, x: Tensor, t: Tensor, steps: int) -> None:
    optimizer = torch.optim.SGD(network.parameters(), RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        Loss(network)(x, t).backward()
        optimizer.step()


def apart(a: nn.Module, b: nn.Module) -> float:
    """The largest difference of a parameter, as a share of its norm."""
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return max(((p - q).norm() / q.norm()).item() for p, q in pairs)


def first(run: Run) -> nn.Module:
    """The network before its first step."""
    images = run.data
    return initial_network(run.recipe, images.channels, len(images.classes), images.size)


def batches(stage: Stage) -> Iterator[tuple[Tensor, Tensor]]:
    for number in range(stage.steps):
        batch = stage.feed.batch(number)
        yield batch.x, batch.t


def graph_of(network: nn.Module, stage: Stage) -> Graph:
    batch = stage.feed.batch(0)
    return trace(Loss(network.train()), batch.x, batch.t)


def speed(pairs: int) -> list[dict[str, float]]:
    """Steps a second on LeNet-5 with batches of 128, in turn."""
    torch.manual_seed(0)
    x, t = torch.randn(128, 1, 28, 28), torch.arange(128) % 10
    network = initial_network(recipe("lenet5", 1), 1, 10, (28, 28))
    loss = Loss(network)
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    graph = trace(loss, x, t)

    def autograd() -> None:
        optimizer.zero_grad()
        loss(x, t).backward()
        optimizer.step()

    def by_hand() -> None:
        next(descend(graph, [(x, t)], 0.01))

    with keeping_freed():
        rows = [{"autograd": rate(autograd), "by hand": rate(by_hand)} for _ in range(pairs + 1)]
    return rows[1:]


def rate(step: Callable[[], None], seconds: float = 3.0) -> float:
    started, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - started) < seconds:
        step()
        count += 1
    return count / spent


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--epochs", type=int, default=2)
    given = options.parse_args()
    rows = speed(given.pairs)
    ratios = sorted(row["by hand"] / row["autograd"] for row in rows)
    for row in rows:
        print(json.dumps({k: round(v, 1) for k, v in row.items()}))
    print(f"by hand / autograd, LeNet-5, batches of 128: {statistics.median(ratios):.2f} times "
          f"({ratios[0]:.2f} to {ratios[-1]:.2f})")  # fmt: skip
    for count in (1, 10, 100):
        hand, others = drift(count)
        print(f"weights apart from autograd's after {count} steps: by hand {hand:.1e}, autograd in "
              f"{len(others)} other orders {others[0]:.1e} to {others[-1]:.1e}")  # fmt: skip
    for model in RATES:
        print(model, json.dumps(compared(model, given.epochs)), flush=True)


if __name__ == "__main__":
    main()
