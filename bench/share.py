"""What a LeNet-5 step on MNIST is spent on: the batch, the loss and its gradients, the optimizer.

CUTAWAY_DATA=... python -m bench.share [--optimizers nesterov,adamw,muon] [--steps 300]

A step of the real loop, with clocks around its parts. Prints a JSON row for each optimizer.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.game import Game, set_out
from cutaway.data.sources import load
from cutaway.learn.optim import Closure
from cutaway.recipes import pair


class Clocks:
    """Seconds added up under names."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def measured(*args: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                self.spent[name] += time.perf_counter() - started

        return measured


@contextmanager
def marked(game: Game, around: Callable[[str, Callable[..., Any]], Any]) -> Iterator[None]:
    """A game's `batch` and `closure`, and each seat's `step`, as `around` has them.

    Args:
        around: takes a name and a function, and gives what is called in its place.
    """
    feed, table, closure = game.feed, game.table, Closure.__call__
    batch, steps = feed.batch, [player_optimizer.step for player_optimizer in table]
    feed.batch = around("batch", batch)  # type: ignore[method-assign]
    Closure.__call__ = around("closure", closure)  # type: ignore[method-assign]
    for player_optimizer, step in zip(table, steps, strict=True):
        player_optimizer.step = around("step", step)
    try:
        yield
    finally:
        feed.batch, Closure.__call__ = batch, closure  # type: ignore[method-assign]
        for player_optimizer, step in zip(table, steps, strict=True):
            player_optimizer.step = step


def parts(game: Game, steps: int) -> dict[str, float]:
    """Seconds of a step of one player in each of its parts."""
    clocks = Clocks()
    with marked(game, clocks.around):
        clocks.around("whole", game.play)(steps)
    spent = {name: seconds / steps for name, seconds in clocks.spent.items()}
    return {
        "batch": spent["batch"],
        "loss and gradients": spent["closure"],
        "optimizer": spent["step"] - spent["closure"],
        "loop": spent["whole"] - spent["batch"] - spent["step"],
    }


def shares(optimizer: str, steps: int) -> dict[str, Any]:
    """Milliseconds of a step, and the share of each part."""
    recipe = pair("lenet5", "mnist").with_options(optimizer=optimizer).override(batch_size=128)
    game = set_out(recipe, load("mnist"))
    with game.runtime.session():
        game.play(20)
        found = parts(game, steps)
    whole = sum(found.values())
    return {"with": optimizer, "ms": round(1000 * whole, 2)} | {
        name: f"{100 * seconds / whole:.1f} %" for name, seconds in found.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizers", default="sgd,nesterov,adam,adamw,muon")
    parser.add_argument("--steps", type=int, default=300)
    asked = parser.parse_args()
    for one in asked.optimizers.split(","):
        print(json.dumps(shares(one, asked.steps)), flush=True)
