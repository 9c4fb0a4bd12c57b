"""The part of the cache that holds what came from elsewhere, and never more than it may.

What was used longest ago goes first; what a process has locked stays.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cutaway.data import cache
from cutaway.errors import DataError, UsageError

LIMIT = "20GB"
"""What it may hold, unless $CUTAWAY_CACHE_LIMIT says otherwise."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def root() -> Path:
    """Its folder: `remote` in the cache."""
    place = cache.root() / "remote"
    with cache.disk_errors():
        place.mkdir(parents=True, exist_ok=True)
    return place


def limit() -> int:
    """Bytes that it may hold.

    Raises:
        UsageError: $CUTAWAY_CACHE_LIMIT is no size.
    """
    text = os.environ.get("CUTAWAY_CACHE_LIMIT") or LIMIT
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", text.strip(), re.I)
    if not found:
        raise UsageError(f"CUTAWAY_CACHE_LIMIT={text} is no size: write one such as 20GB.")
    return int(float(found[1]) * UNITS[found[2].upper()])


def size_text(size: float) -> str:
    """`1.5 GB`."""
    unit = next((u for u in ("TB", "GB", "MB", "KB") if size >= UNITS[u[0]]), "")
    return f"{size / UNITS[unit[0]]:.3g} {unit}" if unit else f"{size:.0f} bytes"


def make_room(size: int, keep: Path) -> None:
    """Remove what was used longest ago, until so many more bytes may come.

    Args:
        keep: the entry that they are for, which stays.

    Raises:
        DataError: what may be removed is not enough.
    """
    folder, most = root(), limit()
    entries = [(_used(path), _size(path), path) for path in _entries(folder)]
    held = sum(size for _, size, _ in entries)
    for _, freed, path in sorted(entries):
        if held + size <= most:
            return
        if path != keep and _remove(path):
            held -= freed
    if held + size > most:
        raise DataError(
            f"The cache {folder} may hold {size_text(most)}, and {size_text(size)} more are needed "
            "while what is in it is in use: set CUTAWAY_CACHE_LIMIT to more."
        )


@contextmanager
def room(size: int, keep: Path) -> Iterator[None]:
    """Room for an entry, which is to be written while nobody else is given any."""
    with cache.locked(root() / ".room.lock"):
        make_room(size, keep)
        yield


def used(entry: Path) -> None:
    """Note that an entry is in use now."""
    with suppress(OSError):
        os.utime(entry)


@contextmanager
def held(entry: Path, wait: bool = True) -> Iterator[None]:
    """Hold an entry for this process alone; while it does, nobody removes it.

    Raises BlockingIOError where another holds it, and was not waited for.
    """
    with cache.locked(entry.with_name(f".{entry.name}.lock"), wait):
        yield


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _remove(entry: Path) -> bool:
    """Remove an entry that nobody holds; whether it is gone."""
    try:
        with held(entry, wait=False):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
            entry.with_name(f".{entry.name}.lock").unlink(missing_ok=True)
    except BlockingIOError:
        return False
    return True


def _used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    """Bytes on the disk, with what is below a folder."""
    with suppress(OSError):
        if path.is_dir():
            return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
        return path.stat().st_size
    return 0
