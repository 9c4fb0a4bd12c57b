"""Trials side by side, each a task where the execution has its place."""

from typing import TYPE_CHECKING, Any

from cutaway.errors import TrainingError
from cutaway.learn.elsewhere import with_images, work_of
from cutaway.learn.interrupt import stoppable
from cutaway.learn.search.pruning import stopped
from cutaway.learn.search.search import Search
from cutaway.learn.search.trial import Trial, from_dict
from cutaway.processes import Gone
from cutaway.workplaces import Crew, Question

if TYPE_CHECKING:
    from cutaway.learn.search.trials import Trials

WORKER = "cutaway.learn.search.worker"


def side_by_side(trials: "Trials") -> None:
    """As many at once as the search allows, each begun when all is known that it follows from."""
    search, execution = trials.search, trials.execution
    with (
        with_images(
            work_of(search, search.threads, WORKER, execution), trials.images, execution.place
        ) as work,
        Crew(execution.place, work, min(len(search), search.at_once)) as crew,
        stoppable() as request,
    ):
        number = _ask(trials, crew, 0)
        for question, answer in crew.answers(lambda: request.pending):
            trials.end(_read(search, question, answer))
            number = _ask(trials, crew, number)
        if request.pending:
            raise stopped(search)


def _ask(trials: "Trials", crew: Crew, number: int) -> int:
    """Ask for the trials from a number on that may begin; the number of the first that may not."""
    while number < len(trials.search) and trials.may_begin(number):
        trial = trials.begun(number)
        if trial.state == "running":
            known = [one.to_dict() for one in trials.known(number)]
            asked = {"trial": trial.to_dict(), "known": known}
            crew.ask(Question(asked, trials.search.folder(number)))
        number += 1
    return number


def _read(search: Search, question: Question, answer: Any) -> Trial:
    """What a trial came to. Raises TrainingError where that is unknown, Stopped where it was."""
    number = question.asked["trial"]["number"]
    if isinstance(answer, Gone):
        raise TrainingError(
            f"Trial {number + 1}: {answer}; go on with `cutaway resume {search.path}`."
        )
    if answer.get("stopped"):
        raise stopped(search)
    if "error" in answer:
        raise TrainingError(f"Trial {number + 1}: {answer['error']}")
    return from_dict(answer["trial"])
