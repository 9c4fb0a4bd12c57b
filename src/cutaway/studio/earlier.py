"""The runs that a page may open: those where commands put them."""

from pathlib import Path

from cutaway.errors import UsageError
from cutaway.learn.kinds import kind_at, open_network
from cutaway.learn.search import Search

FOLDER = Path("runs")
MOST = 50
"""Runs that a page lists, at most."""


def earlier() -> list[dict[str, str]]:
    """The latest runs and fleets, newest first: by name, what they are, and how they stand."""
    return [{"name": path.name, "told": open_network(path).told} for path in _places()[:MOST]]


def _places() -> list[Path]:
    places = FOLDER.iterdir() if FOLDER.is_dir() else ()
    found = [path for path in places if kind_at(path) not in (None, Search)]
    return sorted(found, key=_changed, reverse=True)


def _changed(path: Path) -> float:
    return max((one.stat().st_mtime for one in path.iterdir() if one.is_file()), default=0.0)


def named(name: object) -> Path:
    """Where the run is that a page names. Raises UsageError where there is none of that name."""
    for path in _places():
        if path.name == name:
            return path
    raise UsageError(f"There is no run '{name}' in {FOLDER}/.")
