"""Atomic writing of files, whose failures are sentences."""

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from cutaway.errors import RunError

TEMPORARY = ".cutaway-*.tmp"
"""Names of folders that are being filled."""

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def writing(path: Path, option: str = "--out") -> Iterator[None]:
    """Turn a failure to write at `path` into a sentence.

    Args:
        option: what names the place.

    Raises:
        RunError: the disk is full, the folder cannot be written, ...
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "the disk is full: free some space; what was written before is unharmed"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = f"you may not write there: choose another place with {option}"
        else:
            advice = f"{error.strerror or error}: choose another place with {option}"
        raise RunError(f"{path} cannot be written: {advice}.") from None


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file atomically; raises what `written_whole` does."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary name for a file: once it has been written it is synced and renamed to `path`.

    Raises:
        RunError: it cannot be written; what stood at `path` still does.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write plain values as indented JSON, atomically."""
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def finite(value: Any) -> Any:
    """Plain values with None for what is infinite or not a number, which JSON lacks."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RunError: the file is not there or damaged.
    """
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise RunError(f"{path} is damaged: it does not hold JSON.") from None


def read_rows(path: Path) -> list[Any]:
    """The JSON objects of a file, one a line; none where there is no file.

    Raises:
        RunError: a line is not JSON.
    """
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []
    except ValueError:
        raise RunError(f"{path} is damaged: a line of it is not JSON.") from None


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Lock a folder against other processes; the system releases it when this one ends, however.

    Gives whether it is held for sure: where the system or the file system knows no such locks,
    nobody is kept out.

    Raises:
        BlockingIOError: another holds it, and was not waited for.
    """
    if fcntl is None:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _locked(handle, wait)
    finally:
        os.close(handle)


def _locked(handle: int, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:  # some network file systems
        return False
    return True


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder of this process alone, gone at the end unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / TEMPORARY.replace("*", uuid4().hex)
    with ExitStack() as stack:
        with locked(parent):  # so that no sweeper comes between the folder and its lock
            _sweep(parent)
            folder.mkdir()
            stack.enter_context(locked(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what killed processes left: temporary folders that nobody holds."""
    for folder in parent.glob(TEMPORARY):
        with suppress(OSError), locked(folder, wait=False) as sure:
            if sure:
                shutil.rmtree(folder, ignore_errors=True)
