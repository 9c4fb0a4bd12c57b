"""Decode pictures in worker processes."""

import subprocess
from collections.abc import Generator, Iterable, Iterator
from queue import SimpleQueue
from threading import Lock, Thread

from cutaway.data.picture import silenced
from cutaway.data.worker import Answer, Task, run
from cutaway.processes import Gone, Program

Pair = tuple[Task, Answer]

CRASH = "The decoder crashed on this file."


def answers(tasks: Iterable[Task], workers: int) -> Iterator[Answer]:
    """The answer to every task, in any order; in this process where `workers` is below two.

    Raises:
        OSError: a worker could not write.
    """
    if workers < 2:
        for task in tasks:
            with silenced():
                answer = run(task)
            yield answer
    else:
        yield from (answer for _, answer in pairs(tasks, workers))


def pairs(tasks: Iterable[Task], workers: int) -> Generator[Pair, None, None]:
    """Every task with its answer, in any order, by so many processes.

    One thread a worker sends the next task when the last is answered.

    Raises:
        OSError: a worker could not write.
    """
    queue: SimpleQueue[Pair | BaseException | None] = SimpleQueue()
    source, lock = iter(tasks), Lock()
    staff = [_Worker() for _ in range(workers)]

    def attend(worker: _Worker) -> None:
        try:
            while True:
                with lock:
                    task = next(source, None)
                if task is None:
                    break
                queue.put((task, worker.answer(task)))
        except BaseException as error:
            queue.put(error)
        queue.put(None)

    threads = [Thread(target=attend, args=(worker,), daemon=True) for worker in staff]
    try:
        for thread in threads:
            thread.start()
        yield from _collect(queue, workers)
    finally:
        source = iter(())
        for worker in staff:
            worker.abort()
        for thread in threads:
            thread.join()
        for worker in staff:
            worker.program.close()


def _collect(queue: "SimpleQueue[Pair | BaseException | None]", workers: int) -> Iterator[Pair]:
    while workers:
        pair = queue.get()
        if pair is None:
            workers -= 1
        elif isinstance(pair, BaseException):
            raise pair
        elif "error" in pair[1]:
            raise OSError(*pair[1]["error"])
        else:
            yield pair


class _Worker:
    """A decoding process, started again when it dies, until it is aborted."""

    def __init__(self) -> None:
        self.dismissed = False
        self.start()

    def start(self) -> None:
        # The decoding libraries complain on standard error.
        self.program = Program("cutaway.data.worker", stderr=subprocess.DEVNULL)
        self.ready: bool | None = None

    def answer(self, task: Task) -> Answer:
        """The answer to a task. A file that kills the worker is found by halving, and reported."""
        try:
            return self.send(task)
        except Gone:
            if self.dismissed:
                return {"bad": [], "notes": []}
        self.program.close()
        self.start()
        first, sources = task["first"], task["sources"]
        if len(sources) == 1:
            return {"bad": [(first, "crash", CRASH)], "notes": []}
        half = len(sources) // 2
        one = self.answer({**task, "sources": sources[:half]})
        two = self.answer({**task, "sources": sources[half:], "first": first + half})
        listed = {key: [*one.get(key, []), *two.get(key, [])] for key in ("bad", "notes", "levels")}
        return {**one, **two, **listed}

    def send(self, task: Task) -> Answer:
        """The answer; from this process if no other ever starts.

        Raises:
            Gone: the process died.
        """
        if self.ready is None:
            self.ready = self._starts()
        answer: Answer = self.program.ask(task) if self.ready else run(task)
        return answer

    def _starts(self) -> bool:
        try:
            self.program.heard()
        except Gone:
            return False
        return True

    def abort(self) -> None:
        """Release whoever waits for an answer."""
        self.dismissed = True
        self.program.kill()
