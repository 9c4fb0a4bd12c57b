"""Processes that test claims side by side; each leaves what it finds in the cache."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

ENDED = "The process that tested it was ended from outside."


class Task(NamedTuple):
    """A claim to be tested: its number and settings, and whether also where it was found before."""

    number: str
    settings: dict[str, Any]
    again: bool


Missing = tuple[str, bool] | None
"""Why there is no finding, and whether the experiment failed; None where there is one."""


def answers(
    tasks: Sequence[Task], own: Sequence[Path], processes: int
) -> Generator[Missing, None, None]:
    """The answers in the order of the tasks. A process that dies costs the claim that it tested.

    Args:
        own: files with claims of the user's own.
    """
    staff = [_Worker(own) for _ in range(processes)]
    free: SimpleQueue[_Worker] = SimpleQueue()
    for worker in staff:
        free.put(worker)

    def ask(task: Task) -> Missing:
        worker = free.get()
        try:
            return worker.answer(task)
        finally:
            free.put(worker)

    threads = ThreadPoolExecutor(processes)
    try:
        yield from threads.map(ask, tasks)
    finally:
        for worker in staff:
            worker.dismiss()
        threads.shutdown(cancel_futures=True)
        for worker in staff:
            worker.close()


class _Worker:
    """A process of `cutaway.lab.worker`, started when it is needed, until it is dismissed.

    It is none of the terminal's foreground, so that Ctrl-C reaches only the process that asks, and
    it ends when that does, however.
    """

    def __init__(self, own: Sequence[Path]) -> None:
        self.command = [sys.executable, "-m", "cutaway.lab.worker", *map(str, own)]
        self.process: subprocess.Popen[str] | None = None
        self.dismissed = False

    def answer(self, task: Task) -> Missing:
        if self.process is None:
            self.process = self._start()
        if self.dismissed:
            self.process.kill()
        line = self._send(json.dumps(task))
        if not line.endswith("\n"):
            self.close()
            return ENDED, True
        answer = json.loads(line)
        return tuple(answer) if answer else None

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def _send(self, line: str) -> str:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except OSError:  # a broken pipe
            return ""
        return self.process.stdout.readline()

    def dismiss(self) -> None:
        """Release whoever waits for an answer."""
        self.dismissed = True
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        """End the process and close what led to it."""
        if self.process is not None:
            self.process.kill()
            with suppress(OSError), self.process:  # a broken pipe
                pass
            self.process = None
