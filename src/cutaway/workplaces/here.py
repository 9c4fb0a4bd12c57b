"""Workers that are processes of this computer."""

import os
from typing import Any

from cutaway.processes import Program, cpus
from cutaway.workplaces.work import Question, Work, Worker, Workplace


class LocalWorker(Worker):
    """A process of this computer, which has the same files.

    It is none of the terminal's foreground, so that Ctrl-C reaches only the process that asks.
    """

    def __init__(self, work: Work):
        environment = {**os.environ, **work.environment}
        command = work.command(work.folder, work.files)
        self._program = Program(*command, environment=environment, start_new_session=True)

    def ready(self) -> None:
        pass

    def ask(self, question: Question) -> Any:
        return self._program.ask(question.asked)

    def stop(self) -> None:
        self._program.stop()

    def kill(self) -> None:
        self._program.kill()

    def close(self) -> None:
        self._program.finish()


class Here(Workplace):
    """This computer."""

    apart = False
    cpus = 0

    def __str__(self) -> str:
        return "this computer"

    def slots(self, threads: int) -> int:
        return max(1, cpus() // threads)

    def hire(self, work: Work) -> Worker:
        return LocalWorker(work)


HERE = Here()
