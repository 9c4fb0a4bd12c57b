"""Images a second of LeNet-5 on MNIST: Cutaway's loop beside the standard one, in turn.

CUTAWAY_DATA=... python -m bench.throughput [--pairs 5]
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import torch

from bench.peers.pytorch import standard_loop
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.models import build
from cutaway.recipes import pair

BATCH = 128


def ours() -> float:
    """Images a second of one epoch, as `cutaway train lenet5 mnist --augment none` reports it."""
    recipe = pair("lenet5", "mnist").override(
        epochs=1,
        batch_size=BATCH,
        augment="none",
        precision="float32",
        device="cpu",
        val=0.0,
        optimizer="nesterov",
        optimizer_options={},
        lr=0.05,
        momentum=0.9,
        label_smoothing=0.0,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe, load("mnist"), out=Path(folder) / "run")
        return run.timing["images_per_second"]


def standard(workers: int) -> float:
    """Images a second of one epoch of the standard loop."""
    torch.manual_seed(0)
    return 60_000 / standard_loop(build("lenet5", 1, 10, 28), BATCH, workers, epochs=1)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--pairs", type=int, default=5)
    pairs = options.parse_args().pairs
    ours()  # warm: caches, kernels
    rows = []
    for _ in range(pairs):
        row = {"ours": ours(), "two workers": standard(2), "no workers": standard(0)}
        print(json.dumps(row), flush=True)
        rows.append(row)
    for peer in ("two workers", "no workers"):
        ratios = sorted(row["ours"] / row[peer] for row in rows)
        middle = statistics.median(ratios)
        print(f"ours / {peer}: {middle:.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
