"""One network in two processes of one thread, beside one process of two threads.

    CUTAWAY_DATA=... python -m bench.together [lenet5 resnet20] [--rounds 3]

Both train the same recipe with `cutaway train`, in turn, for an epoch; images a second are those of
the training steps (`timing.json`). Beside them stand the bytes that a process sends in a step, and
the least that any way of adding up the gradients has to send: 2 (n - 1) / n of them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.kept import earlier, keep, publish, table
from cutaway import models
from cutaway.processes import processor

NAME = "together"
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
WORKS = {"lenet5": ("mnist", 1, (28, 28)), "resnet20": ("cifar10", 3, (32, 32))}
WAYS = {
    "one": ("--threads", "2"),
    "two": ("--threads", "1", "--processes", "2"),
}


def speed(model: str, way: str) -> float:
    """Images a second of an epoch."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "cutaway", "train", model, WORKS[model][0]]
        words = ["--epochs", "1", "--quiet", "--out", str(out), *WAYS[way]]
        subprocess.run([*command, *words], check=True, capture_output=True)
        found: float = json.loads((out / "timing.json").read_text())["images_per_second"]
        return found


def weights(model: str) -> int:
    """Bytes of a network's gradients."""
    _, channels, size = WORKS[model]
    return 4 * sum(p.numel() for p in models.build(model, channels, 10, size).parameters())


def told(found: dict[str, Any]) -> str:
    rows = []
    for model, rounds in found["rounds"].items():
        one, two = (median([row[way] for row in rounds]) for way in WAYS)
        ratios = sorted(row["two"] / row["one"] for row in rounds)
        rows.append([
            f"{model}, {WORKS[model][0]}", f"{one:,.0f}", f"{two:,.0f}",
            f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            f"{weights(model) / 1e6:.2f} MB",
        ])  # fmt: skip
    head = [
        "network and data", "1 process, 2 threads", "2 processes, 1 thread", "ratio (range)",
        "gradients",
    ]  # fmt: skip
    return table(head, rows, numbers=True) + f"\n\nImages a second, on {found['machine']}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=[*WORKS])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for model in asked.works:
        rounds = [{way: speed(model, way) for way in WAYS} for _ in range(asked.rounds)]
        before = earlier(NAME).get("rounds", {})
        keep(NAME, machine=processor(), rounds=before | {model: rounds})
    publish(NAME, told(earlier(NAME)), PAGE)


if __name__ == "__main__":
    main()
