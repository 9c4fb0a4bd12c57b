"""What a step takes in many processes: a model of its parts, checked here, and for 1,000 GPUs.

    python scripts/step_time.py            # measures, five minutes, and writes docs/scale.md
    python scripts/step_time.py table      # the tables of docs/scale.md anew

The parts are measured apart: steps that each of 1, 2 and 4 processes takes at the same time but by
itself, on its share of a batch and with one thread; and messages, small and large, among 2 to 16
processes. From them the step of 2 and 4 processes is foretold, and then measured.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "docs" / "step-time.json", ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- made by scripts/step_time.py -->\n", "<!-- end of the step's time -->\n"
MODELS, BATCH = ("lenet5", "resnet20"), 128
COUNTS, MESSAGES = (1, 2, 4), (2, 4, 8, 16)
ASSUMED = "ResNet-50 on 1,000 GPUs, 256,000 images in a step, by what is assumed of them:"


def middle(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the middle one of some rounds, after a few that do not count."""
    found = []
    for number in range(rounds + 3):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
        del found[: number < 3]
    return statistics.median(found)


def steps(model: str, batch: int, team: Any, rounds: int) -> dict[str, Any]:
    """Seconds of a training step with its messages, and what the messages hold."""
    from dataclasses import replace

    from cutaway import models, recipes
    from cutaway.data.feed import Feed, Normalise
    from cutaway.data.sources import load
    from cutaway.learn import runtime as runtimes
    from cutaway.learn.loop import MetricTotals, optimizers_of, take_step
    from cutaway.learn.tasks import make_task
    from cutaway.together.share import Division

    images = load("digits", image_size=32)
    recipe = recipes.pair(model, "digits").with_options(
        batch_size=batch, device="cpu", precision="float32", augment="none"
    )
    network = models.build(model, 1, 10, (32, 32), {})
    runtime = replace(runtimes.choose(recipe, network), team=team)
    network = runtime.place(network).train()
    players = optimizers_of(make_task(recipe).players(network), recipe, runtime)
    feed = Feed(
        images, torch_range(batch * 4), batch_size=batch, normalise=Normalise((0.3,), (0.3,)),
        seed=0, memory_format=runtime.torch_memory_format, division=Division(team),
    )  # fmt: skip
    numbers = iter(range(10**6))

    def step() -> None:
        take_step(players, feed, MetricTotals(), next(numbers), 1.0)
        team.any(False, False)

    sent = [] if team.alone else counted(step)
    gradients = 4 * sum(p.numel() for p in network.parameters())
    return {"seconds": middle(step, rounds), "sent": sent, "gradients": gradients}


def torch_range(count: int) -> Any:
    import torch

    return torch.arange(count)


def counted(step: Callable[[], object]) -> list[int]:
    """The bytes of each tensor that a step adds up, or gathers, over the processes."""
    from unittest.mock import patch

    import torch.distributed as dist

    sizes, add, gather = list[int](), dist.all_reduce, dist.all_gather

    def added(value: Any, *args: Any, **more: Any) -> Any:
        sizes.append(value.nbytes)
        return add(value, *args, **more)

    def gathered(found: Any, value: Any, *args: Any, **more: Any) -> Any:
        sizes.append(value.nbytes)
        return gather(found, value, *args, **more)

    with patch.object(dist, "all_reduce", added), patch.object(dist, "all_gather", gathered):
        step()
    return sizes


def messages(team: Any) -> dict[str, float]:
    """Seconds of a small message, and for each byte of a large one, among all processes."""
    import torch

    large = torch.zeros(1 << 20)
    small = middle(lambda: team.any(False), 100)
    return {"small": small, "byte": (middle(lambda: team.add(large), 12) - small) / (4 << 20)}


def worker(file: Path, wanted: str) -> None:
    """One of the processes: measure what is wanted, and let the first one write it."""
    import torch

    from cutaway.together.launch import joined
    from cutaway.together.team import ALONE

    torch.set_num_threads(1)
    with joined() as team:
        if wanted == "messages":
            found: Any = messages(team)
        else:
            share = steps(wanted, BATCH // team.size, ALONE, 20)
            team.any(False)  # all of them have it
            found = {"alone": share["seconds"], **steps(wanted, BATCH, team, 20)}
        if team.first:
            file.write_text(json.dumps(found))


def run(processes: int, wanted: str) -> Any:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
            str(processes), str(Path(__file__).resolve()), "worker", str(file), wanted,
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        return json.loads(file.read_text())


def measure() -> dict[str, Any]:
    from cutaway.processes import cpus, processor

    found: dict[str, Any] = {"processor": processor(), "cores": cpus()}
    found["messages"] = {str(n): run(n, "messages") for n in MESSAGES}
    for model in MODELS:
        found[model] = {str(n): run(n, model) for n in COUNTS}
    return found


def foretold(found: dict[str, Any], model: str, processes: int) -> float:
    """Seconds of a step: a share computed beside the others, and its messages."""
    one = found[model][str(processes)]
    spent = found["messages"].get(str(processes), {"small": 0.0, "byte": 0.0})
    sent: list[int] = one["sent"]
    return one["alone"] + sum(spent["small"] + spent["byte"] * size for size in sent)


def table(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def checked(found: dict[str, Any]) -> str:
    """The table of steps foretold and measured."""
    rows = []
    for model in MODELS:
        for n in COUNTS:
            one = found[model][str(n)]
            told, real = foretold(found, model, n), one["seconds"]
            sent, floor = sum(one["sent"]), one["gradients"]
            rows.append([
                model, str(n), f"{1e3 * one['alone']:.1f}", f"{1e3 * told:.1f}",
                f"{1e3 * real:.1f}", f"{told / real:.2f}",
                str(len(one["sent"])) if n > 1 else "",
                f"{(sent - floor) / floor:.1%}" if n > 1 else "",
            ])  # fmt: skip
    head = [
        "network", "processes", "ms of a share", "ms foretold", "ms measured", "ratio", "messages",
        "bytes beyond the gradients",
    ]  # fmt: skip
    return table(head, rows)


def spoken(found: dict[str, Any]) -> str:
    """The table of messages."""
    rows = [
        [n, f"{1e6 * one['small']:.0f}", f"{1e-9 / one['byte']:.2f}"]
        for n, one in found["messages"].items()
    ]
    return table(["processes", "µs of a small message", "GB/s of a large one"], rows)


def thousand(found: dict[str, Any]) -> str:
    """The table of a step of ResNet-50 on 1,000 GPUs, from what is assumed of them."""
    gpus, images, weights, norms = 1000, 256, 25.6e6, 53
    second, link, hop = 2500.0, 50e9, 5e-6  # images, bytes; and seconds of a hop between two
    ends = [int(n) for n in (MESSAGES[0], MESSAGES[-1])]
    small = [found["messages"][str(n)]["small"] for n in ends]
    slope = (small[1] - small[0]) / (ends[1] - ends[0])
    tree, ring = 2 * math.log2(gpus) * hop, 2 * (gpus - 1) / gpus * 4 * weights / link
    numbers = gpus * images * 2048
    parts = [
        ("256 images in each", "2,500 images a second", images / second),
        ("gradients added up, 102 MB", "50 GB/s, after the backward pass", ring),
        ("sums of 53 batch normalisations, forward and back", "5 µs a hop, a tree",
         2 * norms * tree),
        ("the loss, in the processors' memory", f"{1e6 * slope:.0f} µs a process, as above",
         slope * gpus),
        ("whether to stop, likewise", "the same", slope * gpus),
        ("a mask of dropout for 2,048 values of every image of all", "10^11 numbers a second",
         numbers / 1e11),
    ]  # fmt: skip
    rows = [[what, why, f"{1e3 * seconds:.1f}"] for what, why, seconds in parts]
    return table(["part of a step", "assumed", "ms"], rows)


def tables(found: dict[str, Any]) -> str:
    about = f"On {found['processor']}, {found['cores']} cores, batches of {BATCH}:"
    return f"{about}\n\n{checked(found)}\n\n{spoken(found)}\n\n{ASSUMED}\n\n{thousand(found)}\n"


def main() -> None:
    if sys.argv[1:2] == ["worker"]:
        worker(Path(sys.argv[2]), sys.argv[3])
        return
    if sys.argv[1:] != ["table"]:
        KEPT.write_text(json.dumps(measure(), indent=1) + "\n")
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    PAGE.write_text(
        before + BEGIN + tables(json.loads(KEPT.read_text())) + END + rest.split(END)[1]
    )


if __name__ == "__main__":
    main()
