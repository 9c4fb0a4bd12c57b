"""Files on their way between a worker's folder and that at home."""

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from cutaway.files import temporary_folder, write_whole, writing

Files = list[tuple[str, bytes]]
"""Names below a folder, and what these files hold."""

END = "results.json"
"""Written last, and read as the sign that all else is there."""


class Changes:
    """What is new or other in a folder since it was last asked for."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._seen: dict[str, tuple[int, int, int]] = {}

    def known(self, names: Iterable[str]) -> None:
        """Files that are there are no news."""
        self._seen |= {name: _state(self.folder / name) for name in names}

    def news(self, about: str) -> Files:
        """The files below a part of the folder, in an order in which they may be written.

        Nothing holds up whoever writes meanwhile. Files are read in the opposite order, so that
        what is kept of a training is never older than its checkpoint, and nothing is taken for
        ended that is not: as if it had been killed at some moment.
        """
        changed = []
        for path in sorted((self.folder / about).rglob("*"), key=_turn):
            name = path.relative_to(self.folder).as_posix()
            if _counts(path, self.folder) and self._seen.get(name) != _state(path):
                changed.append(name)
        read: Files = []
        for name in reversed(changed):
            self._seen[name] = _state(self.folder / name)
            read.append((name, (self.folder / name).read_bytes()))
        return read[::-1]


def _counts(path: Path, folder: Path) -> bool:
    """Whether it is a file, and neither it nor its folder is still being made."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file()


def _turn(path: Path) -> tuple[bool, bool, str]:
    return path.name == END, "checkpoint" in path.parts, str(path)


def _state(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def read(folder: Path, names: Iterable[str]) -> Files:
    """The files of these names, and of the folders of these names, that are there."""
    changes, found = Changes(folder), Files()
    for name in names:
        path = folder / name
        found += [(name, path.read_bytes())] if path.is_file() else changes.news(name)
    return found


def write(folder: Path, files: Files, about: str = "") -> None:
    """Write files; the part of the folder that they are about appears whole, or not at all.

    Raises:
        RunError: the disk is full, or the like.
    """
    place = folder / about
    if not files:
        return
    if place.exists():
        _write(folder, files)
        return
    with writing(place), temporary_folder(place.parent) as new:
        _write(new, [(str(PurePosixPath(name).relative_to(about)), data) for name, data in files])
        os.rename(new, place)


def _write(folder: Path, files: Files) -> None:
    for name, content in files:
        path = folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def digest(path: Path) -> str:
    """Of a file's content."""
    found = blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(2**24):
            found.update(chunk)
    return found.hexdigest()
