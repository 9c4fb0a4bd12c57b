"""A cache of folders, each built once, in one step, and found again by its key.

An entry is written under a temporary name, synced, and renamed: it is there whole or not at all.
A maker holds a lock on its temporary folder, so that whoever comes next can tell one that is being
written from one that a killed process left behind, and sweep the latter.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from cutaway.errors import DataError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and so nothing is swept
    fcntl = None  # type: ignore[assignment]

META = "meta.json"
LOCK = ".lock"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def root() -> Path:
    """The cache folder: `$CUTAWAY_CACHE`, else the user's cache."""
    if folder := os.environ.get("CUTAWAY_CACHE"):
        return Path(folder).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("cutaway"))


def digest(*parts: Any) -> str:
    """A key for anything whose `repr` identifies it."""
    return blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def entry(
    key: str, build: Callable[[Path], dict[str, Any]], is_complete: Callable[[Path, dict], bool]
) -> tuple[Path, dict[str, Any]]:
    """The folder of `key` and its note, built by `build` where it is not there.

    Args:
        key: a file name that stands for everything the content depends on.
        build: fills the temporary folder that it is given, and returns what to note (JSON).
        is_complete: whether a folder found under the key holds what its note says.

    Raises:
        DataError: the cache cannot be written, or the disk is full.
    """
    place = root() / "packed" / key
    if (note := _note(place)) is not None and is_complete(place, note):
        return place, note
    with disk_errors(), _temporary(place.parent) as folder:
        note = build(folder)
        (folder / META).write_text(json.dumps(note), encoding="utf-8")
        for path in (*folder.iterdir(), folder):
            _sync(path)
        with locked(place.parent / LOCK):
            _publish(folder, place, is_complete)
    return place, note


def found(key: str) -> tuple[Path, dict[str, Any]] | None:
    """The folder of `key` and its note, where they are there."""
    place = root() / "packed" / key
    note = _note(place)
    return None if note is None else (place, note)


def _note(place: Path) -> dict[str, Any] | None:
    try:
        return json.loads((place / META).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _publish(folder: Path, place: Path, is_complete: Callable[[Path, dict], bool]) -> None:
    """Give the folder its name, unless another process was faster: its entry is as good as ours.

    Only what is damaged is removed, and only by the holder of the lock: an entry that another
    process has just been told of stays.
    """
    if (note := _note(place)) is not None and is_complete(place, note):
        return
    shutil.rmtree(place, ignore_errors=True)
    try:
        os.rename(folder, place)
    except OSError as error:  # where no lock keeps others out
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    _sync(place.parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _temporary(parent: Path) -> Iterator[Path]:
    """A new locked folder in `parent`, gone at the end unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f".{uuid4().hex}.tmp"
    lock = folder.with_suffix(".lock")
    with ExitStack() as stack:
        with locked(parent / LOCK):  # so that no sweeper comes between lock and folder
            _remove_stale(parent)
            stack.enter_context(locked(lock))
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _remove_stale(parent: Path) -> None:
    """Remove temporary folders that killed processes left: those whose lock nobody holds."""
    if fcntl is None:
        return
    for lock in parent.glob(".*.lock"):
        with suppress(BlockingIOError), locked(lock, wait=False):
            shutil.rmtree(lock.with_suffix(".tmp"), ignore_errors=True)
            lock.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on a file; the system drops it when the process ends, however."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn errors of the disk below the cache into sentences."""
    try:
        yield
    except OSError as error:
        hint = "Free some space there, or name another folder in CUTAWAY_CACHE."
        if error.errno in FULL:
            raise DataError(f"The disk that holds the cache {root()} is full. {hint}") from error
        if isinstance(error, PermissionError) or error.errno in (errno.EROFS, errno.ENOTDIR):
            hint = "Name another folder in CUTAWAY_CACHE."
            raise DataError(f"The cache {root()} cannot be written. {hint}") from error
        raise
