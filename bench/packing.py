"""Packing 60,000 pictures from files, against the decoder's own speed.

    python bench/packing.py [--data ROOT] [--rounds 3]

The decoder's own speed is that of two plain processes that each open half of the files with Pillow
and take their pixels as an array, and nothing else. Packing does that, finds size and colour,
handles odd files, and writes a synced cache entry. Both run in turn, several times; what is printed
is the ratio of their least times. ROOT holds `mnist` and `cifar10` (default: $CUTAWAY_DATA, or what
was downloaded).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN = """
import sys
import numpy as np
from PIL import Image
mode, total = sys.argv[1], 0
for path in sys.stdin.read().splitlines():
    with Image.open(path) as image:
        total += int(np.asarray(image.convert(mode)).size)
print(total)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder that holds mnist and cifar10")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.data:
        os.environ["CUTAWAY_DATA"] = str(arguments.data)
    print(
        "| files | decoder alone, s | packing, s | packing's share of its speed | second start, s |"
    )
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, write, mode in (("mnist", _png, "L"), ("cifar10", _jpeg, "RGB")):
            root = Path(folder) / name
            write(root)
            _compare(name, root, mode, arguments.rounds)


def _png(root: Path) -> None:
    """MNIST's training images as PNG files in class folders."""
    from PIL import Image

    from cutaway.data.sources import load

    images = load("mnist")
    for i in range(60_000):
        file = root / images.classes[images.targets[i]] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.images[i, :, :, 0].numpy()).save(file)


def _jpeg(root: Path) -> None:
    """CIFAR-10 as JPEG files in class folders."""
    from PIL import Image

    from cutaway.data.sources import load

    images = load("cifar10")
    for i in range(60_000):
        file = root / images.classes[images.targets[i]] / f"{i}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.images[i].numpy()).save(file, quality=90)


def _compare(name: str, root: Path, mode: str, rounds: int) -> None:
    files = sorted(str(path) for path in root.glob("*/*"))
    plain(files, mode)  # so that both find the files in memory
    alone, packed, again = [], [], []
    for _ in range(rounds):
        alone.append(plain(files, mode))
        with tempfile.TemporaryDirectory() as cache:
            os.environ["CUTAWAY_CACHE"] = cache
            packed.append(_load(root))
            again.append(_load(root))
    least, whole = min(alone), min(packed)
    kind = f"{name}, {len(files):,} {Path(files[0]).suffix[1:].upper()}"
    print(f"| {kind} | {least:.2f} | {whole:.2f} | {least / whole:.0%} | {min(again):.2f} |")


def plain(files: list[str], mode: str) -> float:
    """Seconds that two plain processes take to decode the files, and nothing else."""
    began = time.perf_counter()
    halves = files[::2], files[1::2]
    command = [sys.executable, "-c", PLAIN, mode]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in halves]
    for process, half in zip(processes, halves, strict=True):
        process.stdin.write("\n".join(half))
        process.stdin.close()
    for process in processes:
        process.wait()
    return time.perf_counter() - began


def _load(root: Path) -> float:
    from cutaway.data.sources import load

    began = time.perf_counter()
    load(root)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
