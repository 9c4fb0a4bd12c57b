"""Decode pictures in worker processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread

from cutaway.data.picture import silenced
from cutaway.data.worker import Answer, Task, run

CRASH = "The decoder crashed on this file."


def cpus() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
        yield from _in_parallel(tasks, workers)


def _in_parallel(tasks: Iterable[Task], workers: int) -> Iterator[Answer]:
    """Decode with one thread a worker: each sends the next task when the last is answered."""
    queue: SimpleQueue[Answer | BaseException | None] = SimpleQueue()
    source, lock = iter(tasks), Lock()
    staff = [_Worker() for _ in range(workers)]

    def attend(worker: _Worker) -> None:
        try:
            while True:
                with lock:
                    task = next(source, None)
                if task is None:
                    break
                queue.put(worker.answer(task))
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
            worker.end()


def _collect(queue: "SimpleQueue[Answer | BaseException | None]", workers: int) -> Iterator[Answer]:
    while workers:
        answer = queue.get()
        if answer is None:
            workers -= 1
        elif isinstance(answer, BaseException):
            raise answer
        elif "error" in answer:
            raise OSError(*answer["error"])
        else:
            yield answer


class _Worker:
    """A decoding process, started again when it dies, until it is aborted."""

    def __init__(self) -> None:
        self.dismissed = False
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cutaway.data.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the decoding libraries' own complaints
            env=environment,
        )
        self.ready: bool | None = None

    def answer(self, task: Task) -> Answer:
        """The answer to a task. A file that kills the worker is found by halving, and reported."""
        answer = self.send(task)
        if answer is not None or self.dismissed:
            return answer or {"bad": [], "notes": []}
        self.end()
        self.start()
        first, sources = task["first"], task["sources"]
        if len(sources) == 1:
            return {"bad": [(first, "crash", CRASH)], "notes": []}
        half = len(sources) // 2
        one = self.answer({**task, "sources": sources[:half]})
        two = self.answer({**task, "sources": sources[half:], "first": first + half})
        listed = {key: [*one.get(key, []), *two.get(key, [])] for key in ("bad", "notes", "levels")}
        return {**one, **two, **listed}

    def send(self, task: Task) -> Answer | None:
        """The answer, or None where the process died. If none ever starts, decode in this
        process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.ready is None:
            self.ready = bool(self.process.stdout.readline())
        if not self.ready:
            return run(task)
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:  # a broken pipe
            return None
        line = self.process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def abort(self) -> None:
        """Release whoever waits for an answer."""
        self.dismissed = True
        self.process.kill()

    def end(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was still to be written to it
                pipe.close()
