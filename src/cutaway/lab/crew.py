"""Processes that test claims side by side; each leaves what it finds in the cache."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from cutaway.processes import Gone, Program

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
        self.words = ["cutaway.lab.worker", *map(str, own)]
        self.program: Program | None = None
        self.dismissed = False

    def answer(self, task: Task) -> Missing:
        if self.program is None:
            self.program = Program(*self.words, start_new_session=True)
        if self.dismissed:
            self.program.kill()
        try:
            answer = self.program.ask(task)
        except Gone:
            self.close()
            return ENDED, True
        return tuple(answer) if answer else None

    def dismiss(self) -> None:
        """Release whoever waits for an answer."""
        self.dismissed = True
        if self.program is not None:
            self.program.kill()

    def close(self) -> None:
        """End the process and close what led to it."""
        if self.program is not None:
            self.program.close()
            self.program = None
