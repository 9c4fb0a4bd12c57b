"""What a LeNet-5 step on MNIST is spent on: the batch, the loss and its gradients, the optimizer.

CUTAWAY_DATA=... python -m bench.share [--optimizers nesterov,adamw,muon] [--steps 300]

A step of the real loop, with clocks around its parts. Prints a JSON row for each optimizer.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch

from cutaway.api import change
from cutaway.data.augment import parse
from cutaway.data.feed import Feed, Normalise
from cutaway.data.sources import load
from cutaway.learn import machine as machines
from cutaway.learn.loop import Tally, play, seats
from cutaway.learn.network import initial
from cutaway.learn.optimizers import Closure
from cutaway.learn.tasks import make_task
from cutaway.recipes import pair

SPENT: dict[str, float] = defaultdict(float)


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its seconds added up under a name."""

    def measured(*args: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            SPENT[name] += time.perf_counter() - started

    return measured


def shares(optimizer: str, steps: int) -> dict[str, Any]:
    """Milliseconds of a step, and the share of each part."""
    recipe = change(pair("lenet5", "mnist"), {"optimizer": optimizer}).override(batch_size=128)
    images = load("mnist")
    network = initial(recipe, images.channels, len(images.classes), images.size)
    machine = machines.choose(recipe, network)
    recipe = machines.resolved(recipe, machine)
    task = make_task(recipe)
    table = seats(task.players(machine.place(network).train()), recipe, machine)
    feed = Feed(
        images, torch.arange(len(images)), batch_size=recipe.batch_size, seed=recipe.seed,
        normalise=Normalise.of(images.images), augment=parse(recipe.augment),
        memory_format=machine.torch_memory_format,
    )  # fmt: skip
    with machine.session():
        for _ in play(table, feed, Tally(), 0, 20):
            pass
        feed.batch = timed("batch", feed.batch)  # type: ignore[method-assign]
        table[0].optimizer.step = timed("step", table[0].optimizer.step)  # type: ignore[method-assign]
        SPENT.clear()
        started = time.perf_counter()
        for _ in play(table, feed, Tally(), 20, 20 + steps):
            pass
        whole = time.perf_counter() - started
    parts = {
        "batch": SPENT["batch"],
        "loss and gradients": SPENT["closure"],
        "optimizer": SPENT["step"] - SPENT["closure"],
        "loop": whole - SPENT["batch"] - SPENT["step"],
    }
    return {"with": optimizer, "ms": round(1000 * whole / steps, 2)} | {
        name: f"{100 * seconds / whole:.1f} %" for name, seconds in parts.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizers", default="sgd,nesterov,adam,adamw,muon")
    parser.add_argument("--steps", type=int, default=300)
    asked = parser.parse_args()
    Closure.__call__ = timed("closure", Closure.__call__)  # type: ignore[method-assign]
    for one in asked.optimizers.split(","):
        print(json.dumps(shares(one, asked.steps)), flush=True)
