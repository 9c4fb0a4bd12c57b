"""The pages of the report, one module for each kind of task."""

from importlib import import_module
from types import ModuleType

from cutaway.learn.task import Task


def page_of(task: Task) -> ModuleType:
    """The module of a task's page, which has `page(subject)`."""
    return import_module(f"{__name__}.{task.page}")
