"""Workers side by side: questions go to whoever is free, answers come as they are found."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import Any, Literal

from cutaway.errors import RunError
from cutaway.processes import Gone, Lost
from cutaway.workplaces.work import Question, Work, Worker, Workplace

LOOK = 0.2
"""Seconds between two looks at whether somebody has asked to stop."""
TRIES = 3
"""Computers that may be lost over a question, or before a worker is ready, until that is told."""


State = Literal["hired", "free", "busy"]


class Crew:
    """Some workers, a thread for each that waits for what it says; they end with the block.

    A worker whose process dies costs its question, which is answered by a `Gone`; one that is lost
    with its computer leaves the question to another. New ones take their places.
    """

    def __init__(self, place: Workplace, work: Work, count: int):
        self.place, self.work = place, work
        self._todo, self._changed = deque[Question](), Condition()
        self._open, self._ended, self._failures = 0, False, 0
        self._tries = Counter[str]()
        self._workers: dict[Worker, State] = {}
        self._heard: SimpleQueue[tuple[Question, Any] | BaseException] = SimpleQueue()
        self._threads = [Thread(target=self._attend, daemon=True) for _ in range(count)]

    def __enter__(self) -> "Crew":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let workers end at a good moment, or at once where this process was interrupted."""
        try:
            self._end(at_once=kind is not None and not issubclass(kind, Exception))
            for thread in self._threads:
                thread.join()
        except BaseException:  # a second Ctrl-C
            self._end(at_once=True)
            raise

    def _end(self, at_once: bool) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            for worker, state in self._workers.items():
                if state == "hired" or (at_once and state == "busy"):  # the first wait for a place
                    worker.kill()
                elif state == "busy":
                    worker.stop()

    def ask(self, question: Question) -> None:
        """Add a question, to be answered after those before it have found a worker."""
        with self._changed:
            self._open += 1
            self._todo.append(question)
            self._changed.notify()

    def answers(self, wish: Callable[[], bool] = lambda: False) -> Iterator[tuple[Question, Any]]:
        """Each question with its answer, in any order, until none is open or `wish` is to stop.

        An answer is what the worker says, or a `Gone`. More may be asked meanwhile.

        Raises:
            RunError: no worker can be had.
        """
        while self._open and not wish():
            with suppress(Empty):
                heard = self._heard.get(timeout=LOOK)
                if isinstance(heard, BaseException):
                    raise heard
                self._open -= 1
                yield heard

    def _attend(self) -> None:
        """Hire workers, one after the other, and hand them questions."""
        try:
            while (worker := self._hired()) is not None:
                try:
                    with suppress(Gone):
                        self._serve(worker)
                finally:
                    with self._changed:
                        del self._workers[worker]
                    worker.close()
        except BaseException as error:
            self._heard.put(error)

    def _hired(self) -> Worker | None:
        """A new worker; None where no more are needed."""
        with self._changed:
            if self._ended:
                return None
            worker = self.place.hire(self.work)
            self._workers[worker] = "hired"
            return worker

    def _serve(self, worker: Worker) -> None:
        """Raises Gone where the worker has died; its question is taken care of."""
        self._await(worker)
        while question := self._taken(worker):
            try:
                answer = worker.ask(question)
            except Gone as gone:
                self._left(question, gone)
                raise
            self._heard.put((question, answer))

    def _await(self, worker: Worker) -> None:
        try:
            worker.ready()
            self._failures = 0
        except Gone as gone:
            self._failures += 1
            if self._failures >= TRIES and not self._ended:
                raise RunError(f"No worker begins on {self.place}: {gone}.") from None
            raise

    def _taken(self, worker: Worker) -> Question | None:
        """The next question, waited for; None at the end."""
        with self._changed:
            self._workers[worker] = "free"
            while not (self._todo or self._ended):
                self._changed.wait()
            if self._ended:
                return None
            self._workers[worker] = "busy"
            return self._todo.popleft()

    def _left(self, question: Question, gone: Gone) -> None:
        """The question of one that has died: the next to be answered where it was lost."""
        with self._changed:
            self._tries[repr(question)] += 1
            if isinstance(gone, Lost) and self._tries[repr(question)] < TRIES:
                self._todo.appendleft(question)
                self._changed.notify()
            else:
                self._heard.put((question, gone))
