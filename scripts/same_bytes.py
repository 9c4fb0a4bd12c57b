"""One command again and again, beside busy processes, killed and resumed: do its bytes stay?

python scripts/same_bytes.py [--times 20] [--seed 0] [-- mlp digits --replicates 4 ...]

The first time nothing disturbs it. Then real processes keep every core busy beside it, or it is
ended with SIGKILL at drawn moments (its leader alone, or all its processes) and gone on with, or
both. Weights, answers, figures and validation rows of every member are compared byte by byte.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

CUTAWAY = [sys.executable, "-m", "cutaway"]
COMMAND = [
    "mlp",
    "digits",
    "--image-size",
    "8",
    "--widths",
    "100",
    "--epochs",
    "10",
    "--replicates",
    "4",
]
KINDS = ("alone", "busy", "killed", "killed and busy")
FILES = ("weights.safetensors", "predictions.safetensors", "results.json", "metrics.jsonl")
BURN = "x = 1\nwhile True: x = x * 3 % 1000003"


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """A process a core that does nothing but compute."""
    count = (os.cpu_count() or 1) if wanted else 0
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


def trained(command: list[str], folder: Path, moments: list[float], draw: random.Random) -> int:
    """Train to the end, killed after so many seconds each time; how often it was killed."""
    kills = 0
    for moment in [*moments, None]:
        begun = any((folder / "fleet" / name).exists() for name in ("fleet.json", "recipe.toml"))
        told = ["resume", "fleet"] if begun else ["train", *command, "--out", "fleet"]
        process = subprocess.Popen(
            [*CUTAWAY, *told, "--quiet", "--checkpoint-every", "0.2"], cwd=folder,
            stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(moment)
        except subprocess.TimeoutExpired:
            kills += 1
            for pid in [process.pid, *(children(process.pid) if draw.random() < 0.5 else [])]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            continue
        if code:
            raise SystemExit(f"{' '.join(told)} ended with code {code}.")
        break
    return kills


def children(pid: int) -> list[int]:
    """The processes that one has started; none where the system does not tell."""
    listed = Path("/proc").glob(f"{pid}/task/*/children")
    return [int(child) for path in listed for child in path.read_text().split()]


def digests(folder: Path) -> dict[str, str]:
    """Of everything that the members found."""
    found = [path for name in FILES for path in folder.rglob(name)]
    return {
        str(path.relative_to(folder)): blake2b(path.read_bytes()).hexdigest()
        for path in sorted(found)
    }


def main(times: int, seed: int, command: list[str]) -> int:
    """How many of the repetitions gave other bytes than the first."""
    draw, first, whole, other = random.Random(seed), dict[str, str](), 0.0, 0
    for number in range(times):
        kind = KINDS[number % len(KINDS)]
        moments = [draw.uniform(0.2, 1.0) * whole for _ in range(3)] if "killed" in kind else []
        with tempfile.TemporaryDirectory() as name, busy("busy" in kind):
            started = time.monotonic()
            kills = trained(command, Path(name), moments, draw)
            whole = whole or time.monotonic() - started
            found = digests(Path(name) / "fleet")
        first = first or found
        other += found != first
        print(
            f"{number + 1}: {kind}, {kills} kills, {'same' if found == first else 'OTHER'}",
            flush=True,
        )
    print(f"{times - other} of {times} have the same bytes, of {len(first)} files each.")
    return other


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("command", nargs="*", default=COMMAND)
    asked = parser.parse_args()
    sys.exit(bool(main(asked.times, asked.seed, asked.command)))
