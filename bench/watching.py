"""What it costs to watch a network learn: training steps watched and not, in turn.

CUTAWAY_DATA=... python -m bench.watching [lenet5 resnet20] [--rounds 7] [--seconds 2]

Each round takes some steps of the real loop unwatched, watched at every fiftieth step, watched at
every step, and with hooks as they are usually written by hand (mean, standard deviation and
histogram of each output and of its gradient). TorchLens's complete capture of a forward pass is
timed beside a plain one, in an environment of its own, after each round. Prints a JSON row for
each work: milliseconds of a plain step, and each way's time as a multiple of it, medians with the
range over the rounds. Written to `bench/results/watching.json` and `docs/microscope.md`.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bench.environment import python_of
from bench.game import Game, work
from bench.kept import HERE, earlier, keep, publish, table
from cutaway.see.layers import layers
from cutaway.see.watch import Scope

NAMES = {"lenet5": "LeNet-5", "resnet20": "ResNet-20"}
WAYS = ("every=50", "every=1", "hooks")
LENS = "TorchLens, a forward pass"


def watched(game: Game, steps: int, every: int) -> None:
    scope = Scope(game.network, every)
    for step in range(1, steps + 1):
        scope.begin(step)
        game.play(1)
    scope.end()


@contextmanager
def by_hand(model: nn.Module, found: list[Any]) -> Iterator[None]:
    """Hooks on every layer, as a user writes them."""

    def note(x: Tensor) -> None:
        found.append((x.mean().item(), x.std().item(), torch.histc(x, 64)))

    def look(module: nn.Module, inputs: Any, output: Tensor) -> None:
        note(output.detach())
        if output.requires_grad:
            output.register_hook(note)

    handles = [layer.register_forward_hook(look) for layer in layers(model).values()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def hooked(game: Game, steps: int) -> None:
    with by_hand(game.network, []):
        game.play(steps)


def seconds(play: Callable[[], None]) -> float:
    began = time.perf_counter()
    play()
    return time.perf_counter() - began


def lens(name: str) -> float:
    """How many times a plain forward pass TorchLens's capture takes."""
    command = [python_of("torchlens"), "-m", "bench.peers.torchlens", name]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def compared(name: str, rounds: int, least: float) -> dict[str, Any]:
    """Rounds of all ways."""
    game, times = work(name), {way: [] for way in (*WAYS, LENS)}  # type: ignore[var-annotated]
    plain = []
    with game.runtime.session():
        game.play(5)
        each = seconds(lambda: game.play(5)) / 5
        steps = max(10, round(least / each / 50) * 50)
        for _ in range(rounds):
            plain.append(seconds(lambda: game.play(steps)) / steps)
            found = (
                seconds(lambda: watched(game, steps, 50)),
                seconds(lambda: watched(game, steps, 1)),
                seconds(lambda: hooked(game, steps)),
            )
            for way, spent in zip(WAYS, found, strict=True):
                times[way].append(spent / steps / plain[-1])
            times[LENS].append(lens(name))
    row: dict[str, Any] = {"step (ms)": 1000 * statistics.median(plain), "steps": steps}
    return row | {
        way: {"times": statistics.median(of), "from": min(of), "to": max(of)}
        for way, of in times.items()
    }


def told(works: dict[str, Any]) -> str:
    rows = [
        [NAMES[name], f"{row['step (ms)']:.1f} ms", *(_cell(row[way]) for way in (*WAYS, LENS))]
        for name, row in works.items()
    ]
    head = ["work", "a step", *(f"watched, {way}" for way in WAYS[:2]), "hooks by hand", LENS]
    return table(head, rows, numbers=True)


def _cell(found: dict[str, float]) -> str:
    return f"{found['times']:.3f} ({found['from']:.3f} to {found['to']:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=list(NAMES), metavar="WORK")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of steps in a round, each way")
    asked = parser.parse_args()
    rows = earlier("watching").get("works", {})
    for one in asked.works:
        rows[one] = compared(one, asked.rounds, asked.seconds)
        print(one, json.dumps(rows[one]), flush=True)
        keep("watching", works=rows)
    publish("watching", told(rows), HERE.parent / "docs" / "microscope.md")
