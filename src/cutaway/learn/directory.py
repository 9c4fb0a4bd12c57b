"""Making a run's directory: its name, and that it appears whole or not at all."""

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unicodedata import category, normalize

from cutaway.data.split import Split
from cutaway.errors import RunError, UsageError
from cutaway.files import locked, temporary_folder, write_json, write_whole, writing
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import Recipe

LONGEST = 60
"""Bytes of a model's or a data set's name in that of a run; file systems take 255 in all."""


@dataclass(frozen=True)
class Place:
    """The place where a directory is to appear.

    Attributes:
        path: the one that was asked for or, where it is `numbered`, one that lacks its number.
    """

    path: Path
    numbered: bool = False

    def names(self) -> Iterator[Path]:
        """The paths that may be taken, the first that is free."""
        if not self.numbered:
            return iter([self.path])
        return (self.path.with_name(f"{self.path.name}-{number}") for number in count(1))


def destination(out: str | Path, model: str, data: str, kind: str = "") -> Place:
    """`out`, or without it the first free `runs/MODEL-DATA-N`, or `runs/MODEL-DATA-KIND-N`.

    Which number is free is decided when the directory appears, since others may be at work.

    Args:
        model, data: names, or paths, of which the last part counts.
        kind: `fleet`, `search` or the like.

    Raises:
        RunError: there is something at `out` already.
    """
    if not out:
        return Place(Path("runs") / "-".join(filter(None, (plain(model), plain(data), kind))), True)
    if os.path.lexists(out):
        raise already_exists(Path(out))
    return Place(Path(out))


def plain(name: str) -> str:
    """A name, or the last part of a path, as part of a file's name on any system.

    Letters and digits of any script, dots, underlines and hyphens stay.
    """
    parts = re.split(r"[/\\]", name.rstrip("/\\"))
    last = Path(name).resolve().name if parts[-1] in (".", "..") else parts[-1]
    text = normalize("NFC", last.removeprefix("own:"))
    text = "".join(c if c in "._" or category(c)[0] in "LMN" else "-" for c in text)
    short = re.sub("-{2,}", "-", text).encode()[:LONGEST].decode(errors="ignore")
    return short.strip("-._") or "data"


def already_exists(path: Path) -> RunError:
    return RunError(
        f"{path} exists already and is not overwritten: choose another --out, or resume it: "
        f"cutaway resume {path}"
    )


def create(
    place: Place, recipe: Recipe, card: DataCard, split: Split, about: Mapping[str, object],
    texts: Mapping[str, str] = {},
) -> Path:  # fmt: skip
    """Make a run directory in one step: it appears whole, or not at all.

    Args:
        about: more JSON files by name, such as `environment` and `audit`.
        texts: other files by name.

    Raises:
        RunError: it cannot be written, or somebody else has taken its name.
    """

    def fill(folder: Path) -> None:
        write_whole(folder / "recipe.toml", recipe.to_toml())
        write_json(folder / "data.json", card.to_dict())
        split.save(folder / "split.json")
        for name, value in about.items():
            write_json(folder / f"{name}.json", value)
        for name, text in texts.items():
            write_whole(folder / name, text)

    return create_whole(place, fill)


def create_whole(place: Place, fill: Callable[[Path], None]) -> Path:
    """Make a directory in one step, whatever other processes make beside it.

    Args:
        fill: puts something into it.

    Returns:
        Its path, a name that nobody had taken.

    Raises:
        RunError: it cannot be written, or somebody else has taken its name.
    """
    with writing(place.path), temporary_folder(place.path.parent) as folder:
        fill(folder)
        for path in place.names():
            if _renamed(folder, path):
                return path
    raise already_exists(place.path)


def _renamed(folder: Path, path: Path) -> bool:
    """Whether the folder could have the name; the system gives it to one process only."""
    if os.path.lexists(path):
        return False
    try:
        os.rename(folder, path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def refuse_member(path: str | Path) -> None:
    """Refuse to go on with a member alone: in a stack, or with other threads, it ends otherwise.

    Raises:
        UsageError: the run is a member of a fleet.
    """
    whole = Path(path).resolve().parent.parent
    if (whole / "fleet.json").is_file():
        raise UsageError(
            f"{path} is a member of a fleet and may end otherwise by itself: go on with all of it, "
            f"`cutaway resume {whole}`."
        )


@contextmanager
def training_lock(path: Path) -> Iterator[None]:
    """Keep other processes from training what is at `path`.

    Raises:
        RunError: one is at it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, wait=False))
        except BlockingIOError:
            raise RunError(
                f"{path} is being trained by another process: wait for it, or stop it first."
            ) from None
        yield


def held(path: Path) -> bool:
    """Whether another process trains what is at `path`."""
    try:
        with locked(path, wait=False):
            return False
    except BlockingIOError:
        return True
