"""Members side by side, in processes of their own."""

import json
import os
import selectors
import signal
import subprocess
import sys
from dataclasses import dataclass

from cutaway.data.imageset import ImageSet
from cutaway.learn.callbacks import serialize
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import Answer, expect_all, stopped, waiting
from cutaway.learn.interrupt import stoppable
from cutaway.processes import cpus

LOOK = 0.2
"""Seconds between two looks at whether somebody has asked to stop."""


def side_by_side(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """As many members at a time as the cores bear, each in a process with its share of them."""
    todo, problems = waiting(fleet), list[str]()
    count = min(len(todo), max(1, cpus() // fleet.threads))
    with _Crew(fleet, count, execution) as crew, stoppable() as request:
        for one in crew.workers:
            one.take(todo.pop(0))
        while crew.busy:
            for answer in crew.answers():
                if answer.get("stopped") or request.pending:
                    crew.stop()
                    raise stopped(fleet)
                if problem := answer.get("error"):
                    problems.append(f"Member {answer['member'] + 1}: {problem}")
                else:
                    execution.callback.on_member_end(fleet, answer["member"])
                if todo and (worker := crew.free()):
                    worker.take(todo.pop(0))
            if request.pending:
                crew.stop()
                raise stopped(fleet)
    expect_all(fleet, problems)


@dataclass
class _Worker:
    process: "subprocess.Popen[str]"
    member: int | None = None

    def take(self, k: int) -> None:
        assert self.process.stdin
        self.member = k
        self.process.stdin.write(f"{k}\n")
        self.process.stdin.flush()


class _Crew:
    """Worker processes, which end with the block."""

    def __init__(self, fleet: Fleet, count: int, execution: Execution):
        command = [
            sys.executable, "-m", "cutaway.learn.fleet.worker", str(fleet.path),
            str(execution.checkpoint_every), serialize(execution.callback),
        ]  # fmt: skip
        surroundings = os.environ | {"OMP_NUM_THREADS": str(fleet.threads)}
        self.workers = [
            _Worker(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    env=surroundings,
                )
            )
            for _ in range(count)
        ]  # fmt: skip
        self.selector = selectors.DefaultSelector()
        for worker in self.workers:
            assert worker.process.stdout
            self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        for worker in self.workers:
            worker.process.communicate()  # closes its input, on which it ends

    @property
    def busy(self) -> bool:
        return any(worker.member is not None for worker in self.workers)

    def free(self) -> _Worker | None:
        """One that waits for work; None where all that are alive have some."""
        waits = (w for w in self.workers if w.member is None and w.process.poll() is None)
        return next(waits, None)

    def answers(self) -> list[Answer]:
        """The answers of workers since the last call; waits a little."""
        answers = []
        for key, _ in self.selector.select(LOOK):
            worker: _Worker = key.data
            assert worker.process.stdout
            line = worker.process.stdout.readline()
            if not line:  # it was killed
                self.selector.unregister(worker.process.stdout)
                code = worker.process.wait()
                text = f"its process ended with code {code}; resume it with `cutaway resume`."
                line = json.dumps({"member": worker.member, "error": text, "stopped": False})
            worker.member = None
            answers.append(json.loads(line))
        return answers

    def stop(self) -> None:
        """Ask everybody to stop at a checkpoint."""
        for worker in self.workers:
            if worker.process.poll() is None and worker.member is not None:
                worker.process.send_signal(signal.SIGTERM)
