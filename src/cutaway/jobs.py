"""What `fit`, `search` and `resume` have in common: how a job is begun, joined and carried on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from cutaway.data.augment import OwnAugment
from cutaway.errors import UsageError
from cutaway.learn import fit as learning
from cutaway.learn.callbacks import Callback, Callbacks, resolve
from cutaway.learn.directory import refuse_member
from cutaway.learn.job import Job
from cutaway.learn.run import Run
from cutaway.learn.team_run import begun
from cutaway.learn.user_module import given_back
from cutaway.show.jobs import VIEWS, report
from cutaway.show.progress import reading
from cutaway.together.environment import restarted
from cutaway.together.team import Team

J = TypeVar("J", bound=Job)

AGAIN = "A process of this training was killed: all of them have been started again."


def carry_on(job: J, told: Callbacks, progress: bool, checkpoint_every: float, **where: Any) -> J:
    """Go on with a job to its end, and write its report.

    Args:
        where: the `team` that trains a run, the `place` of a fleet's or a search's workers.

    Raises:
        UsageError: it learned from data of the user's own, which were not handed in again.
    """
    images = None
    if not job.finished:
        refuse_member(job.path)
        if job.lacks_data:
            raise UsageError(
                f"{job.path} learned from data of your own: hand them in again, "
                "resume(path, data=...)."
            )
        with reading(progress) as read:
            images = job.images(read)
    with given_back(job.given):
        job.resume(
            images, callbacks=told, checkpoint_every=checkpoint_every, augment=job.augment, **where
        )
        report(job, images)
    return job


def follow(team: Team, model: Any, data: Any, augment: OwnAugment | None) -> Run:
    """Take part in the training that the first of several processes does."""
    own, images = objects(model, data)
    with given_back(own):
        return learning.follow(own, images, team=team, augment=augment)


def begun_before(out: str | Path, model: Any, data: Any, augment: OwnAugment | None) -> Run | None:
    """The run that these processes began before they were started again; None where none."""
    path = begun(out) if restarted() else None
    return None if path is None else Run(path, *objects(model, data), augment)


def objects(model: Any, data: Any) -> tuple[nn.Module | None, Any]:
    """Model and data where they are objects; None in place of a name."""
    own = model if isinstance(model, nn.Module) else None
    return own, None if isinstance(data, str | Path) else data


def with_progress(kind: str, progress: bool, callbacks: Sequence[Callback | str]) -> Callbacks:
    """The user's callbacks, after the progress display of a kind of job.

    Raises:
        UsageError: progress is an object, which would be told of nothing.
    """
    if not isinstance(progress, bool):
        raise UsageError(
            f"progress is True or False, not {progress!r}: what is to be told of a training goes "
            "into callbacks=[...]."
        )
    return resolve([*([VIEWS[kind].progress()] if progress else []), *callbacks])


def refuse_module(model: str | nn.Module, job: str) -> None:
    """Refuse a module where many networks are to be built. Raises UsageError."""
    if isinstance(model, nn.Module):
        raise UsageError(
            f"A {job} builds a new network for each of them, and a module is only one: "
            "give the name of a model (see `cutaway models`)."
        )
