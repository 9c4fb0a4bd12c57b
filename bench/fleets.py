"""Fleets: the way that Cutaway takes beside one member after another, as whole jobs.

CUTAWAY_DATA=... python -m bench.fleets [CASE...] [--pairs 3] [--way auto]

Both train, validate, test and keep every member; the way is chosen by a rule on counts, which takes
part of the time. `steps` compares the steps alone.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.recipe import Recipe
from cutaway.recipes import pair


@dataclass(frozen=True)
class Case:
    """A fleet with its goal: so many times faster than in turn."""

    recipe: Recipe
    images: Callable[[], ImageSet]
    goal: float


def spirals(count: int = 2000, turns: float = 1.5) -> ImageSet:
    """Two spirals in the plane, their coordinates as two pixels of 0 to 255."""
    draw = torch.Generator().manual_seed(0)
    t = torch.arange(count) % 2
    r = torch.rand(count, generator=draw).sqrt()
    angle = 2 * torch.pi * turns * r + torch.pi * t
    points = torch.stack([r * angle.cos(), r * angle.sin()], 1)
    points = points + 0.02 * torch.randn(points.shape, generator=draw)
    pixels = (127.5 + 110 * points).round().clamp(0, 255).byte()
    return ImageSet(pixels[..., None], t, ("one", "other"), Numbered("spirals", count), name="own")


def mnist() -> ImageSet:
    return load("mnist")


PLAIN = pair("mlp", "mnist").override(epochs=1, augment="none", precision="float32", device="cpu")
CASES = {
    "mlp": Case(PLAIN.override(model_options={"widths": "128"}, replicates=32), mnist, 3.0),
    "mlp-32": Case(
        PLAIN.override(model_options={"widths": "128"}, replicates=32, batch_size=32), mnist, 3.0
    ),
    "toy": Case(
        PLAIN.override(
            data="own:spirals", model_options={"widths": "16-16"}, replicates=64, repeat=20,
            batch_size=64, label_smoothing=0.0, lr=0.01,
        ),
        spirals, 8.0,
    ),
    "lenet5": Case(pair("lenet5", "mnist").override(epochs=1, replicates=8), mnist, 1.0),
}  # fmt: skip


def trained(case: Case, images: ImageSet, way: str) -> tuple[Fleet, float, float]:
    """The fleet, seconds of the job, seconds in which the loop was in steps."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fleet = launch(case.recipe, images, way=way, out=Path(folder) / "fleet")
        job = time.perf_counter() - started
        stepping = sum(run.timing["train_seconds"] for run in fleet.members)
        if fleet.way == "side-by-side":  # at the same time, so that no sum says how long
            stepping = job
        return fleet, job, stepping


def ratios(name: str, pairs: int, way: str) -> dict[str, object]:
    """In turn and otherwise, alternating."""
    case = CASES[name]
    images, found = case.images(), []
    for _ in range(pairs):
        _, whole, steps = trained(case, images, "in-turn")
        fleet, job, stepping = trained(case, images, way)
        found.append((whole, job, whole / job, steps / stepping))
        row = {"case": name, "way": fleet.way, "in turn": whole, "job": job}
        print(json.dumps(row), flush=True)
    whole, job, times, steps = (statistics.median(column) for column in zip(*found, strict=True))
    spread = [round(f([row[2] for row in found]), 2) for f in (min, max)]
    return {
        "case": name, "members": case.recipe.replicates, "way": fleet.way,
        "in turn (s)": round(whole, 1), "job (s)": round(job, 1), "times faster": round(times, 2),
        "range": spread, "steps": round(steps, 2), "rounds": pairs, "goal": case.goal,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--way", default="auto")
    asked = parser.parse_args()
    for one in asked.cases:
        print(json.dumps(ratios(one, asked.pairs, asked.way)), flush=True)
