"""The pages of the report, one a kind of task: which sections its result is told in."""

from importlib import import_module
from types import ModuleType

from cutaway.learn.task import Task


def page_of(task: Task) -> ModuleType:
    """The module that tells a task's results: `page(subject)`, and what else it has."""
    return import_module(f"{__name__}.{task.page}")
