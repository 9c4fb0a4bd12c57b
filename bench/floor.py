"""The least time that a training step can take on this machine, our share of it, and the rest.

CUTAWAY_DATA=... python -m bench.floor [mlp lenet5 resnet20 dcgan] [--seconds 4]

The floor is the larger of two times: the step's matrix products and convolutions at the rate of a
large float32 `torch.mm`, and the bytes that it has to move at the bandwidth of a copy of as many
bytes (a copy that fits the caches is as fast as these). What has to be moved: the batch, written
once and read once; each tensor that autograd saves, likewise; gradients, likewise; weights and the
optimizer's state, read once and written once.

The measured step is that of the real loop, its batch included. Where it goes is from a profile of
further steps: what operators took themselves, what they called left out; the loop's share is what
is left of those steps, the profiler's own work with it (so that small works look worse there).
Writes `bench/results/floor.json` and the tables in `bench/README.md`; works that are not asked for
stay as they were.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import FlopCounterMode

from bench.game import Game, work
from bench.kept import earlier, keep, publish, table
from bench.share import marked
from cutaway.processes import processor

SIDE = 2048
"""Of the matrices whose product gives the rate."""
PARTS = {
    "convolution": ("conv",),
    "matrix product": ("aten::mm", "aten::addmm", "aten::bmm", "linear", "matmul"),
    "normalisation": ("batch_norm",),
    "pooling": ("pool",),
    "optimizer": ("_fused_", "_foreach_", "step"),
    "elementwise": ("aten::",),
}
"""Parts of a step, each by what an operator's name holds; the first that fits counts."""
BATCH, REST = "batch", "Python and the loop"


def seconds_of(work: Callable[[], object], least: float = 0.3) -> float:
    """The shortest of repeated runs, over at least so many seconds and three runs."""
    found: list[float] = []
    while len(found) < 3 or sum(found) < least:
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def matrix_rate() -> float:
    """Operations a second of a large matrix product; a multiplication and an addition are two."""
    a, b = torch.randn(2, SIDE, SIDE)
    out = torch.empty(SIDE, SIDE)
    return 2 * SIDE**3 / seconds_of(lambda: torch.mm(a, b, out=out), 1.0)


def bandwidth(size: int) -> float:
    """Bytes a second of copies that read half of `size` bytes and write the other half."""
    source = torch.zeros(size // 8)
    target = torch.empty_like(source)
    times = max(1, (1 << 24) // size)  # so that a call's own time does not count

    def copies() -> None:
        for _ in range(times):
            target.copy_(source)

    return times * 2 * source.nbytes / seconds_of(copies)


def floating_operations(game: Game) -> int:
    """Of the matrix products and convolutions in a step."""
    with FlopCounterMode(display=False) as counter:
        game.play(1)
    return int(counter.get_total_flops())


def moved_bytes(game: Game) -> int:
    """Bytes that a step has to read and write."""
    saved: dict[int, int] = {}
    owned = [p for player_optimizer in game.table for p in player_optimizer.player.parameters]
    places = {p.untyped_storage().data_ptr() for p in owned}
    alive = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)  # so that no storage is given out twice
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        game.play(1)
    activations = sum(size for place, size in saved.items() if place not in places)
    state = sum(
        value.nbytes
        for player_optimizer in game.table
        for fields in player_optimizer.optimizer.state.values()
        for value in fields.values()
        if isinstance(value, torch.Tensor)
    )
    gradients = weights = sum(p.nbytes for p in owned)
    batch = game.feed.batch(0).x
    first = 0 if batch.untyped_storage().nbytes() in saved.values() else batch.nbytes
    return 2 * (activations + first + gradients + weights + state)


def step_seconds(game: Game, least: float) -> float:
    """The median step: of five stretches, so that a single disturbance does not count."""
    game.play(3)
    began = time.perf_counter()
    game.play(2)
    steps = max(1, int(least / 5 / ((time.perf_counter() - began) / 2)))
    found = []
    for _ in range(5):
        began = time.perf_counter()
        game.play(steps)
        found.append((time.perf_counter() - began) / steps)
    return sorted(found)[2]


def ranged(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, a range of the profile."""

    def inside(*args: Any, **named: Any) -> Any:
        with record_function(name):
            return function(*args, **named)

    return inside


def profiled(game: Game, steps: int) -> dict[str, float]:
    """Seconds a step in each part."""
    with marked(game, ranged), profile(activities=[ProfilerActivity.CPU]) as found:
        began = time.perf_counter()
        game.play(steps)
        whole = (time.perf_counter() - began) / steps
    spent: dict[str, float] = defaultdict(float)
    for event in found.events():
        spent[part_of(event)] += event.self_cpu_time_total / 1e6 / steps
    spent[REST] = whole - sum(seconds for part, seconds in spent.items() if part != REST)
    return spent


def part_of(event: Any) -> str:
    """The part that an operator or a range belongs to."""
    above = event
    while above is not None:
        if above.name == BATCH:
            return BATCH
        above = above.cpu_parent
    return next(
        (part for part, names in PARTS.items() if any(n in event.name for n in names)), REST
    )


def measured(name: str, least: float, rate: float) -> dict[str, Any]:
    """A work's floor, its step and the step's parts, in milliseconds."""
    game = work(name)
    with game.runtime.session():
        step = step_seconds(game, least)
        operations, moved = floating_operations(game), moved_bytes(game)
        parts = profiled(game, max(3, int(1 / step)))
    wide = bandwidth(moved)
    floor = max(operations / rate, moved / wide)
    return {
        "operations": operations,
        "bytes": moved,
        "bandwidth": wide,
        "of operations (ms)": 1000 * operations / rate,
        "of bytes (ms)": 1000 * moved / wide,
        "step (ms)": 1000 * step,
        "share": floor / step,
        "profiled step (ms)": 1000 * sum(parts.values()),
        "parts (ms)": {part: 1000 * parts[part] for part in (*PARTS, BATCH, REST) if part in parts},
    }


def floors(rows: dict[str, dict[str, Any]]) -> str:
    """What a step needs at the least, and what it takes."""
    head = ["work", "operations", "bytes", "floor of operations", "floor of bytes", "a step"]
    times = ("of operations (ms)", "of bytes (ms)", "step (ms)")
    lines = [
        [
            name, f"{row['operations'] / 1e9:.3f} G", f"{row['bytes'] / 1e6:.1f} MB",
            *(f"{row[key]:.2f} ms" for key in times), f"**{row['share']:.0%}**",
        ]
        for name, row in rows.items()
    ]  # fmt: skip
    return table([*head, "our share"], lines, numbers=True)


def shares(rows: dict[str, dict[str, Any]]) -> str:
    """Where the step goes."""
    parts, lines = [*PARTS, BATCH, REST], []
    for name, row in rows.items():
        found = (row["parts (ms)"].get(part, 0) / row["profiled step (ms)"] for part in parts)
        lines.append([name, *(f"{share:.1%}" for share in found)])
    return table(["share of a profiled step", *parts], lines, numbers=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=["mlp", "lenet5", "resnet20", "dcgan"])
    parser.add_argument("--seconds", type=float, default=4.0, help="of measured steps for each")
    asked = parser.parse_args()
    rate = matrix_rate()
    about = {
        "processor": processor(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        "operations a second": rate, "bytes a second beyond the caches": bandwidth(1 << 30),
    }  # fmt: skip
    print(json.dumps(about), flush=True)
    rows = earlier("floor").get("works", {})
    for name in asked.works:
        rows[name] = measured(name, asked.seconds, rate)
        print(name, json.dumps(rows[name]), flush=True)
    keep("floor", about=about, works=rows)
    publish("floor", f"{floors(rows)}\n\n{shares(rows)}")


if __name__ == "__main__":
    main()
