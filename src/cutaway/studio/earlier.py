"""The runs that a page may open: those where commands put them."""

from pathlib import Path
from typing import Any

from cutaway.errors import UsageError
from cutaway.learn.directory import held
from cutaway.learn.fleet import Fleet
from cutaway.learn.job import Job
from cutaway.learn.kinds import kind_at, open_job
from cutaway.learn.run import Run

FOLDER = Path("runs")
MOST = 50
"""Runs that a page lists, at most."""


def earlier() -> list[dict[str, Any]]:
    """The latest runs and fleets, newest first: by name, what they are, how they stand, and whether
    they go on once they are opened."""
    jobs = [open_job(path) for path in _places()[:MOST]]
    return [
        {"name": job.path.name, "told": job.told, "goes_on": goes_on(job)} for job in jobs
    ]  # fmt: skip


def goes_on(job: Job) -> bool:
    """Whether it has not ended, and nobody trains it."""
    return not (job.finished or held(job.path))


def _places() -> list[Path]:
    places = FOLDER.iterdir() if FOLDER.is_dir() else ()
    found = [path for path in places if kind_at(path) in (Run, Fleet)]
    return sorted(found, key=_changed, reverse=True)


def _changed(path: Path) -> float:
    return max((one.stat().st_mtime for one in path.iterdir() if one.is_file()), default=0.0)


def named(name: object) -> Path:
    """Where the run is that a page names. Raises UsageError where there is none of that name."""
    for path in _places():
        if path.name == name:
            return path
    raise UsageError(f"There is no run '{name}' in {FOLDER}/.")
