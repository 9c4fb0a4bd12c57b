"""The kinds of jobs that there are, and how whatever is in a directory is opened."""

from pathlib import Path
from typing import Any

from torch import nn

from cutaway.data.augment import OwnAugment
from cutaway.errors import UsageError
from cutaway.learn.fleet import Fleet
from cutaway.learn.run import Run
from cutaway.learn.search import Search

KINDS = (Run, Fleet, Search)


def kind_at(path: str | Path) -> type[Run | Fleet | Search] | None:
    """The kind of job in a directory; None where it is none of them."""
    return next((kind for kind in KINDS if kind.is_at(path)), None)


def open_job(
    path: str | Path,
    model: nn.Module | None = None,
    data: Any = None,
    augment: OwnAugment | None = None,
) -> Run | Fleet | Search:
    """The run, the fleet or the search in a directory.

    Args:
        model, data, augment: the user's own, where it began with such.

    Raises:
        UsageError: there is none.
    """
    kind = kind_at(path)
    if kind is None:
        markers = ", ".join(kind.marker for kind in KINDS)
        raise UsageError(
            f"{path} is not a run, a fleet or a search: it holds none of {markers}. "
            "They are made by `cutaway train` and `cutaway search`, below the folder runs."
        )
    return kind(path, model, data, augment)


def open_network(path: str | Path) -> Run | Fleet:
    """The run or the fleet in a directory: what answers.

    Raises:
        UsageError: there is none, or a search, which has no network of its own.
    """
    job = open_job(path)
    job.members  # noqa: B018  # of a search this says what to do
    assert not isinstance(job, Search)
    return job
