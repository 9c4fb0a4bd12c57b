"""One run of one peer, in a process of its own, and rounds of all of them in turn."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.environment import python_of
from bench.peers.watch import PROMPT

ROOT = Path(__file__).parents[1]
Found = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """Who races.

    Attributes:
        environment: the stem of its file in `environments/`; empty: this interpreter.
        shell: commands for which it has a command line of its own, the module that has it.
    """

    title: str
    environment: str = ""
    shell: Mapping[str, str] = field(default_factory=dict)

    def python(self) -> str:
        return str(python_of(self.environment)) if self.environment else sys.executable


PEERS = {
    "cutaway": Peer("Cutaway", shell={"predict": "cutaway"}),
    "pytorch": Peer("PyTorch", "torch"),
    "lightning": Peer("Lightning", "torch"),
    "skorch": Peer("skorch", "torch"),
    "keras": Peer("Keras 3", "keras"),
    "jax": Peer("JAX, Flax", "jax"),
    "fastai": Peer("fastai", "fastai"),
}


def run(name: str, *words: str, limit: float = 900) -> Found:
    """What a peer does of what all can be asked for; see `watched`."""
    module = PEERS[name].shell.get(words[0], f"bench.peers.{name}")
    return watched(name, module, *words, limit=limit)


def watched(name: str, module: str, *words: str, limit: float = 900) -> Found:
    """What a peer's module printed last, with seconds of the whole process and its peak memory.

    A peer that fails or runs out of time gives `failed`: the last line that it printed.
    """
    command = [PEERS[name].python(), "-m", module, *words]
    began = time.time()
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {PROMPT: repr(began)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    memory = Memory(process.pid)
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        return {"failed": f"not done after {limit:.0f} s"}
    wall = time.time() - began
    lines = printed.strip().splitlines() or [""]
    if process.returncode:
        return {"failed": lines[-1]}
    found: Found = json.loads(lines[-1]) if lines[-1].startswith("{") else {}
    if losses := found.pop("losses", None):
        found["last_loss"] = losses[-1]
    return found | {"wall": wall, "peak_mb": memory.peak()}


class Memory:
    """The most memory that a process and its children held, looked at once a second.

    In proportional set size: a page that n processes share counts as 1/n in each. The kernel's own
    sum is read, because adding up the parts took a tenth of a core from the race.
    """

    def __init__(self, pid: int):
        self.most, self.process = 0, psutil.Process(pid)
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while self.process.status() != psutil.STATUS_ZOMBIE:
                self.most = max(self.most, self._held())
                time.sleep(1)

    def _held(self) -> int:
        family, held = [self.process, *self.process.children(recursive=True)], 0
        for one in family:
            with suppress(OSError):  # it has just ended
                lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
                held += next(1024 * int(line.split()[1]) for line in lines if "Pss:" in line)
        return held

    def peak(self) -> float:
        """In MB (10^6 bytes)."""
        self.thread.join(1)
        return self.most / 1e6


def rounds(
    asked: Mapping[str, Sequence[str]], count: int, note: Callable[[str, Found], None]
) -> list[dict[str, Found]]:
    """Every peer once, and again: A B C A B C. Who failed or was skipped is not asked again.

    Args:
        asked: what each peer is asked to do.
    """
    out: set[str] = set()
    found: list[dict[str, Found]] = []
    for _ in range(count):
        row: dict[str, Found] = {}
        for name, words in asked.items():
            if name in out:
                continue
            row[name] = run(name, *words)
            note(name, row[name])
            if "failed" in row[name] or "skipped" in row[name]:
                out.add(name)
        found.append(row)
    return found
