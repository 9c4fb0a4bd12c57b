"""Members side by side, in processes of their own: here, or where the execution has its place."""

from collections.abc import Mapping
from typing import Any

from cutaway.data.imageset import ImageSet
from cutaway.learn.elsewhere import with_images, work_of
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import expect_all, stopped, waiting
from cutaway.learn.interrupt import stoppable
from cutaway.processes import Gone
from cutaway.workplaces import Crew, Question

WORKER = "cutaway.learn.fleet.worker"


def side_by_side(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """As many members at a time as the cores bear, each in a process with its share of them."""
    todo, problems = waiting(fleet), list[str]()
    place = execution.place
    count = min(len(todo), place.slots(fleet.threads))
    with (
        with_images(work_of(fleet, fleet.threads, WORKER, execution), images, place) as work,
        Crew(place, work, count) as crew,
        stoppable() as request,
    ):
        for k in todo:
            crew.ask(Question(k, fleet.folder(k)))
        for question, answer in crew.answers(lambda: request.pending):
            answered, k = _read(answer), question.asked
            if answered.get("stopped"):
                raise stopped(fleet)
            if problem := answered.get("error"):
                problems.append(f"Member {k + 1}: {problem}")
            else:
                execution.callback.on_member_end(fleet, k)
        if request.pending:
            raise stopped(fleet)
    expect_all(fleet, problems)


def _read(answer: Any) -> Mapping[str, Any]:
    """What a worker said, or that it could not."""
    if isinstance(answer, Gone):
        return {"error": f"{answer}; resume it with `cutaway resume`."}
    said: Mapping[str, Any] = answer
    return said
