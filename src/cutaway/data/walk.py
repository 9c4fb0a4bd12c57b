"""Walk through folders of files, in the order in which people read their names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from cutaway.errors import DataError

IGNORED_NAMES = {"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}
ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".heic",
    ".heif",
    ".avif",
)
INDEX = "cutaway-index.json"
"""The file by which a folder is a packed set."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which `10` comes after `9`."""
    pieces = re.split(r"(\d+)", text)
    return [(0, int(p), p) if p.isdecimal() and p.isascii() else (1, 0, p) for p in pieces if p]


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_NAMES


def list_folder(root: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in a folder, without hidden ones."""
    if not root.is_dir():
        return [], []
    try:
        entries = [entry for entry in os.scandir(root) if not _hidden(entry.name)]
    except OSError as error:
        _refuse(error)
    folders = sorted(entry.name for entry in entries if entry.is_dir())
    return folders, sorted(entry.name for entry in entries if not entry.is_dir())


def walk(path: Path, below: str) -> Iterator[str]:
    """Files at any depth, as paths with `/` from the root; links are followed, but no cycles."""
    if not path.is_dir():
        return
    visited: set[str] = set()
    for folder, folders, files in os.walk(path, onerror=_refuse, followlinks=True):
        visited.add(os.path.realpath(folder))
        folders[:] = [
            name
            for name in sorted(folders)
            if not _hidden(name) and os.path.realpath(os.path.join(folder, name)) not in visited
        ]
        inner = os.path.relpath(folder, path).replace(os.sep, "/")
        stem = below if inner == "." else f"{below}/{inner}"
        yield from (f"{stem}/{name}" for name in files if not _hidden(name))


def in_order(path: Path, below: str, visited: set[str] | None = None) -> Iterator[str]:
    """Files at any depth as `walk` names them, each folder's in natural order: one folder's names
    are in memory at a time, however many files there are in all."""
    visited = set() if visited is None else visited
    visited.add(os.path.realpath(path))
    folders, files = list_folder(path)
    inner = set(folders)
    for name in sorted([*folders, *files], key=natural):
        if name not in inner:
            yield f"{below}/{name}"
        elif os.path.realpath(path / name) not in visited:
            yield from in_order(path / name, f"{below}/{name}", visited)


def _refuse(error: OSError) -> NoReturn:
    """Refuse a folder that cannot be listed, instead of skipping it silently."""
    raise DataError(f"The folder {error.filename} cannot be read ({error.strerror}).") from error
