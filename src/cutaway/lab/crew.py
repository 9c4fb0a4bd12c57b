"""Processes that test claims side by side; each leaves what it finds in the cache."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cutaway.processes import Gone
from cutaway.workplaces import Crew, Question, Work, Workplace

ENDED = "The process that tested it was ended from outside."


class Task(NamedTuple):
    """A claim to be tested: its number and settings, and whether also where it was found before."""

    number: str
    settings: dict[str, Any]
    again: bool


Missing = tuple[str, bool] | None
"""Why there is no finding, and whether the experiment failed; None where there is one."""


def answers(
    tasks: Sequence[Task], own: Sequence[Path], place: Workplace, processes: int
) -> Generator[Missing, None, None]:
    """The answers in the order of the tasks. A process that dies costs the claim that it tested.

    Args:
        own: files with claims of the user's own.
    """
    work = Work("cutaway.lab.worker", files=tuple(own))
    with Crew(place, work, processes) as crew:
        for task in tasks:
            crew.ask(Question(task))
        early: dict[str, Missing] = {}
        said = crew.answers()
        for task in tasks:
            while task.number not in early:
                question, answer = next(said)
                early[question.asked.number] = _missing(answer)
            yield early.pop(task.number)


def _missing(answer: Any) -> Missing:
    if isinstance(answer, Gone):
        return ENDED, True
    return tuple(answer) if answer else None
