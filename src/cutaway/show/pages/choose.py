"""Which page tells the result of which task."""

from collections.abc import Callable

from cutaway.learn.tasks import Task
from cutaway.learn.tasks.adversarial import Adversarial
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.implicit import Implicit
from cutaway.learn.tasks.reconstruct import Reconstruct
from cutaway.learn.tasks.segment import Segment
from cutaway.learn.tasks.semi_supervised import SemiSupervised
from cutaway.learn.tasks.variational import Variational
from cutaway.show.pages import classify, generate, generic, implicit, reconstruct, segment, table
from cutaway.show.pages.base import Page, Subject

PAGES: dict[type[Task], Callable[[Subject], Page]] = {
    Classify: classify.page,
    Segment: segment.page,
    Reconstruct: reconstruct.page,
    Variational: generate.variational,
    Adversarial: generate.adversarial,
    SemiSupervised: generate.semi_supervised,
    Implicit: implicit.page,
    Task: generic.page,
}


def page(subject: Subject) -> Page:
    """The page for a run's task, or for the nearest task that it is a kind of."""
    if table.fits(subject):
        return table.page(subject)
    kind = next(kind for kind in type(subject.run.task).__mro__ if kind in PAGES)
    return PAGES[kind](subject)
