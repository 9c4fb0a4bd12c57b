"""Processes that test claims side by side, here or elsewhere."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from cutaway.lab.finding_cache import Content
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
Answer = dict[str, Any]
"""What was `found`, as the cache has it; or why it is `missing`."""


def answers(
    tasks: Sequence[Task],
    work: Work,
    place: Workplace,
    processes: int,
    keep: Callable[[Task, Content], object],
) -> Generator[Missing, None, None]:
    """The answers in the order of the tasks. A process that dies costs the claim that it tested.

    Args:
        keep: is told at once of what was found.
    """
    with Crew(place, work, processes) as crew:
        for task in tasks:
            crew.ask(Question(task))
        early: dict[str, Missing] = {}
        said = crew.answers()
        for task in tasks:
            while task.number not in early:
                question, answer = next(said)
                early[question.asked.number] = _settled(question.asked, answer, keep)
            yield early.pop(task.number)


def _settled(task: Task, answer: Answer | Gone, keep: Callable[[Task, Content], object]) -> Missing:
    if isinstance(answer, Gone):
        return ENDED, True
    if "missing" in answer:
        reason, broken = answer["missing"]
        return reason, broken
    keep(task, answer["found"])
    return None
