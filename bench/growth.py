"""How a training grows with its depth and its data: time, memory, one audit.

python -m bench.growth [depth memory images stream audit]

* depth: seconds of a training step of CIFAR ResNets of 20 to 1202 layers, 8 images a batch.
* memory: the most bytes that a forward and backward pass of 2 images holds, with activations
  kept and with them computed again (`checkpoint`); what the allocator gave out less what it got
  back, which is exact; weights and their gradients, which grow with the depth, are not in it.
* images: seconds to pack 8 x 8 images from their files' bytes, to begin a run (its split and
  fingerprint) and for an epoch of an MLP 64-32-10 with its test.
* stream: private memory that a run adds whose images, of 32 x 32, lie in a mapped file.
* audit: seconds of `audit`, and the share that it finds of planted copies, exact and near.

Each point is measured in a process of its own. What is asked for is measured anew, put into
`bench/results/growth.json`, drawn in `bench/pictures` and told in `bench/README.md`; the rest stays
as it was.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from bench.curves import Power, picture, power, straight
from bench.game import set_out
from bench.kept import PICTURES, earlier, keep, publish, table
from cutaway.data.audit import Audit, audit
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.pack import Sample, pack
from cutaway.data.pixels import stored
from cutaway.learn.callbacks import Callback
from cutaway.learn.execution import Execution
from cutaway.learn.fit import begin_training
from cutaway.learn.recipe import Recipe
from cutaway.learn.training import Training
from cutaway.models.resnet import Basic, Residual, ResNet, ZeroPad
from cutaway.models.resnet_cifar import small_images
from cutaway.processes import processor
from cutaway.recipes import pair

DEPTHS = (20, 32, 44, 56, 110, 302, 602, 1202)
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CLASSES = tuple("0123456789")
BRIGHTER = 20
"""Grey levels that a near copy is brighter by."""


def noise(count: int, *shape: int) -> torch.Tensor:
    """Random grey levels that can all be made brighter."""
    draw = torch.Generator().manual_seed(count)
    return torch.randint(20, 200, (count, *shape), generator=draw, dtype=torch.uint8)


def resnet(depth: int, again: bool) -> ResNet:
    torch.manual_seed(0)
    return small_images(depth, 3, 10, partial(Residual, F=Basic, shortcut=ZeroPad), again)


def depth(layers: int) -> dict[str, Any]:
    """Seconds of a step, the median of three after one that warms up."""
    images = ImageSet(
        noise(8, 32, 32, 3), torch.arange(8), CLASSES, Numbered("noise", 8), whole=True
    )
    recipe = pair("resnet20", "cifar10").override(
        batch_size=8, augment="none", precision="float32", device="cpu"
    )
    game, seconds = set_out(recipe, images, resnet(layers, again=False)), []
    with game.runtime.session():
        for _ in range(4):
            began = time.perf_counter()
            game.play(1)
            seconds.append(time.perf_counter() - began)
    return {"seconds": statistics.median(seconds[1:])}


def memory(layers: int) -> dict[str, Any]:
    """Bytes at the highest moment."""
    x, t = noise(2, 3, 32, 32).float() / 255, torch.arange(2)

    def most(again: bool) -> int:
        network = resnet(layers, again)
        for p in network.parameters():
            p.grad = torch.zeros_like(p)
        return peak(lambda: F.cross_entropy(network(x), t).backward())

    return {"kept": most(again=False), "again": most(again=True)}


def peak(work: Callable[[], object]) -> int:
    """The most bytes that PyTorch's allocator had given out in addition at any moment."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        work()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    held = torch.tensor([event.nbytes() for event in events]).cumsum(0)
    return int(held.max())


MLP = Recipe(
    model="mlp", data="own:noise", model_options={"widths": "32"}, epochs=1, batch_size=128,
    augment="none", precision="float32", device="cpu",
)  # fmt: skip


def begin(images: ImageSet, folder: str, callbacks: Iterable[Callback] = ()) -> Training:
    """A run before its first step, without the audit, which has its own part."""
    counts = dict(zip(CLASSES, images.counts(), strict=True))
    unlike = torch.arange(len(images))
    nothing = Audit((), counts, unlike, [], [], [], (), 1.0, images.size, images.channels)
    out = Path(folder) / "run"
    return begin_training(MLP, images, Execution(out, Callbacks(callbacks)), findings=nothing)


def images(count: int) -> dict[str, Any]:
    """Seconds of the stretches from files to the end of an epoch."""
    files = [b"P5\n8 8\n255\n" + image.tobytes() for image in noise(count, 8, 8).numpy()]
    samples = [Sample(file, i % 10, f"noise/{i}") for i, file in enumerate(files)]
    with tempfile.TemporaryDirectory() as folder:
        times = [time.perf_counter()]
        packed = pack(samples, CLASSES, name="own:noise")
        times.append(time.perf_counter())
        training = begin(packed, folder)
        times.append(time.perf_counter())
        training.go()
        times.append(time.perf_counter())
    stretches = (after - before for before, after in pairwise(times))
    return dict(zip(("pack", "begin", "epoch"), stretches, strict=True))


class Highest(Callback):
    """The most private memory at any step."""

    def __init__(self) -> None:
        self.bytes = 0

    def on_step_end(self, training: Training) -> None:
        if training.step % 50 == 1:
            self.bytes = max(self.bytes, private())


def private() -> int:
    """Bytes of memory that belong to no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def stream(count: int) -> dict[str, Any]:
    """Bytes that beginning a run and learning for an epoch add."""
    pixels, _ = stored(f"noise-{count}", lambda: (noise(count, 32, 32, 1).numpy(), {}))
    targets = torch.arange(count) % 10
    mapped = ImageSet(pixels, targets, CLASSES, Numbered("noise", count), name="own:noise")
    watch, before = Highest(), private()
    with tempfile.TemporaryDirectory() as folder:
        begin(mapped, folder, [watch]).go()
    return {"bytes": watch.bytes - before}


def audited(count: int) -> dict[str, Any]:
    """Seconds, and what was found of a hundredth of exact and one of near copies."""
    pixels, part = noise(count, 8, 8, 1), count // 100
    pixels[-part:] = pixels[:part]
    pixels[-2 * part : -part] = pixels[part : 2 * part] + BRIGHTER
    planted = ImageSet(pixels, torch.arange(count) % 10, CLASSES, Numbered("noise", count))
    began = time.perf_counter()
    found = audit(planted)
    seconds = time.perf_counter() - began
    shares = {"exact": found.exact_clusters, "near": found.near_clusters}
    return {"seconds": seconds} | {name: len(of) / part for name, of in shares.items()}


@dataclass(frozen=True)
class Part:
    """What is measured against what.

    Attributes:
        at: numbers of layers or images.
        series: what is fitted and drawn of each row, by its name.
    """

    point: Callable[[int], dict[str, Any]]
    at: tuple[int, ...]
    title: str
    y: str
    series: dict[str, str]

    @property
    def x(self) -> str:
        return "layers" if self.at == DEPTHS else "images"


TIME = "seconds"
PARTS = {
    "depth": Part(depth, DEPTHS, "A training step of 8 images", TIME, {"step": "seconds"}),
    "memory": Part(
        memory, DEPTHS, "Memory of a pass of 2 images", "bytes at the highest moment",
        {"activations kept": "kept", "computed again": "again"},
    ),
    "images": Part(images, SIZES, "From files to the end of an epoch", TIME, {"job": "seconds"}),
    "stream": Part(stream, SIZES, "A run whose images are mapped", "bytes", {"private": "bytes"}),
    "audit": Part(audited, SIZES, "Looking for copies", TIME, {"audit": "seconds"}),
}  # fmt: skip


def row(name: str, n: int) -> dict[str, Any]:
    """A point, from a process of its own that finds nothing in its cache."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "bench.growth", "--point", name, str(n)]
        environment = {**os.environ, "CUTAWAY_CACHE": cache}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if name == "images":
        found["seconds"] = sum(found.values())
    return {"n": n, **found}


def measured(name: str) -> dict[str, Any]:
    """All points of a part, printed as they come, and what they fit."""
    part, rows = PARTS[name], []
    for n in part.at:
        rows.append(row(name, n))
        print(name, json.dumps(rows[-1]), flush=True)
    fits = {}
    for key in part.series.values():
        y = [one[key] for one in rows]
        fits[key] = {"power": power(part.at, y)._asdict(), "straight": straight(part.at, y)}
    axes = {"title": part.title, "x": part.x, "y": part.y}
    picture(PICTURES / f"growth-{name}.svg", axes, rows, part.series)
    return {"rows": rows, "fits": fits, **machine()}


def fitted(found: dict[str, dict[str, Any]]) -> str:
    """What was fitted, a line for each curve; `apart` is the furthest point's share of its line."""
    head = ["part", "grows as n to the power of (95 %)", "apart", "each more of n", "none", "apart"]
    lines = []
    for name, part in found.items():
        for key, fit in part["fits"].items():
            grows, line = Power(**fit["power"]), fit["straight"]
            ends = f"{line['each']:.3g}", f"{line['none']:.3g}", f"{line['apart']:.1%}"
            lines.append([f"{name}, {key}", str(grows), f"{grows.apart:.1%}", *ends])
    return table(head, lines, numbers=True)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.point:
        name, n = asked.point
        if PARTS[name].at == SIZES:
            PARTS[name].point(1000)  # imports and first uses are off the clock
        print(json.dumps(PARTS[name].point(int(n))))
    else:
        for name in asked.parts:
            keep("growth", **{name: measured(name)})
        publish("growth", fitted(earlier("growth")))
