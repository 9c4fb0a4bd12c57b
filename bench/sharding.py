"""Memory of each process where weights lie apart (`--shard`), beside one that has them whole.

    python -m bench.sharding [mlp vgg16] [--processes 1 2 4]

Each trains a few steps on handwritten digits with `cutaway train`. What the processes hold is read
from Linux (`/proc`): in the middle of the samples taken while they train, and at most at any time,
with the start, at which the first process builds the network, and the end, at which it writes it.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from bench.kept import earlier, keep, publish, table
from cutaway.data.sources import load
from cutaway.processes import processor

NAME = "sharding"
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
COMMON = (
    "--augment", "none", "--threads", "1", "--patience", "0", "--quiet",
    "--device", "cpu", "--precision", "float32", "--memory-format", "contiguous",
    "--checkpoint-every", "3600",
)  # fmt: skip
WORKS = {
    "mlp": ("--widths", "-".join(["10000"] * 11), "--optimizer", "sgd", "--momentum", "0",
            "--image-size", "8", "--lr", "0.001", "--epochs", "2", "--batch-size", "96"),
    "vgg16": ("--image-size", "32", "--optimizer", "momentum", "--lr", "0.001", "--epochs", "3",
              "--batch-size", "32"),
}  # fmt: skip
KEPT = {"mlp": 2, "vgg16": 3}
"""Numbers of a weight: itself, its gradient, and its momentum where there is some."""
IMAGES, GIGA = 96, 1e9

Sample = tuple[bool, dict[int, float]]
"""Whether they train, and the resident bytes of each process."""


def pictures(folder: Path) -> Path:
    """A few digits as a folder of classes."""
    digits = load("digits")
    for i in range(IMAGES):
        place = folder / digits.classes[int(digits.targets[i])]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.images[i, ..., 0].numpy()).save(place / f"{i}.png")
    return folder


def measured(model: str, processes: int) -> dict[str, Any]:
    """Bytes of the first process and of the others: in the middle, and at most."""
    with tempfile.TemporaryDirectory() as place:
        data, out = pictures(Path(place) / "digits"), Path(place) / "run"
        command = [sys.executable, "-m", "cutaway", "train", model, str(data), *COMMON]
        apart = ["--processes", str(processes), "--shard"] if processes > 1 else []
        words = [*command, *WORKS[model], *apart, "--out", str(out)]
        training = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        samples: list[Sample] = []
        while training.poll() is None:
            begun, ended = (out / "checkpoint").exists(), (out / "weights.safetensors").exists()
            samples.append((begun and not ended, resident(training.pid, processes)))
            time.sleep(0.1)
        assert training.returncode == 0, training.stderr and training.stderr.read().decode()
    numbers = sorted(max((some for _, some in samples), key=len))
    return {
        "steady": [median([s[n] for trains, s in samples if trains and n in s]) for n in numbers],
        "most": [max(s[n] for _, s in samples if n in s) for n in numbers],
    }


def resident(pid: int, processes: int) -> dict[int, float]:
    """The memory of each process that trains, by its number in the system."""
    found = [pid]
    if processes > 1:
        said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
        found = [int(word) for word in said.split()]
    sizes = {}
    for number in found:
        try:
            status = Path(f"/proc/{number}/status").read_text()
        except OSError:  # it has ended
            continue
        if "VmRSS" in status:
            sizes[number] = 1024 * float(status.partition("VmRSS:")[2].split()[0])
    return sizes


def told(found: dict[str, Any]) -> str:
    rows = []
    for model, counts in found["works"].items():
        for count, one in sorted(counts.items(), key=lambda item: int(item[0])):
            share = KEPT[model] * 4 * found["weights"][model] / int(count)
            first, *others = one["most"]
            rows.append([
                f"{model}, {found['weights'][model]:,} weights", count, f"{share / GIGA:.2f}",
                f"{max(one['steady']) / GIGA:.2f}", f"{first / GIGA:.2f}",
                f"{max(others) / GIGA:.2f}" if others else "",
            ])  # fmt: skip
    head = [
        "network", "processes", "weights, gradients and optimizer", "while it trains",
        "first process, at most", "others, at most",
    ]  # fmt: skip
    return (
        table(head, rows, numbers=True) + "\n\nGB a process, of which Python and PyTorch are 0.4."
    )


def weights(model: str) -> int:
    """Count those of the network that is trained."""
    from cutaway import models

    options, size = ({"widths": WORKS[model][1]}, 8) if model == "mlp" else ({}, 32)
    import torch

    with torch.device("meta"):
        return models.count(models.build(model, 1, 10, (size, size), options))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=[*WORKS])
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2, 4])
    asked = parser.parse_args()
    for model in asked.works:
        for count in asked.processes:
            before = earlier(NAME)
            works, sizes = before.get("works", {}), before.get("weights", {})
            works[model] = works.get(model, {}) | {str(count): measured(model, count)}
            sizes[model] = weights(model)
            keep(NAME, machine=processor(), works=works, weights=sizes)
    publish(NAME, told(earlier(NAME)), PAGE)


if __name__ == "__main__":
    main()
