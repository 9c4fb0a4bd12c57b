"""A folder or a file elsewhere, by its address; fsspec and the libraries below it do the reading.

Credentials are those that these libraries find for themselves. What fails for a passing reason is
tried again, at growing intervals, as long as patience lasts.
"""

import logging
import os
import random
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any, NamedTuple, TypeVar

from cutaway.addresses import expect_no_secret, is_address
from cutaway.data.files import TABLES
from cutaway.data.remote.reasons import answers, no_such_host, passing, reason
from cutaway.data.walk import ARCHIVES, ENDINGS
from cutaway.errors import CutawayError, DataError, UsageError

FIRST_ANSWER = 5.0
"""Seconds for which a place is tried that has not answered yet: its address may be wrong."""
PATIENCE = 120.0
"""Seconds for which one piece is tried again, unless $CUTAWAY_PATIENCE says otherwise."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            "connect_timeout": 10,
            "read_timeout": 20,
            "retries": {"max_attempts": 0},
        },
        "use_listings_cache": False,
    },
    "gs": {"use_listings_cache": False},
    "http": {"use_listings_cache": False},
}
"""What the libraries are told: to give up on a silent connection early, since it is tried again,
and to list what is there now."""
FILES = (*TABLES, *ARCHIVES, *ENDINGS)
SAME = {"s3a": "s3", "gcs": "gs", "https": "http"}
T = TypeVar("T")


class Entry(NamedTuple):
    """A file elsewhere: its size in bytes (None where the server does not tell), and something that
    changes when its content does."""

    size: int | None
    stamp: str


class NoSpans(Exception):
    """The server gives files as a whole only."""


class Place:
    """A folder or a file.

    Args:
        address: with `://`, or the path of a folder here.

    Raises:
        UsageError: it holds a secret, or needs what is not installed.
    """

    def __init__(self, address: str):
        self.address = address.rstrip("/")
        if is_address(address):
            expect_no_secret(address)
        self.patience = _patience()
        self._noted, self._answered, self._given_up = False, False, Event()

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """fsspec's file system, and the path in it."""
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise UsageError(missing(self.address)) from None
        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # which prints what it then raises
        scheme = self.address.partition("://")[0] if is_address(self.address) else ""
        try:
            return url_to_fs(self.address, **OPTIONS.get(SAME.get(scheme, scheme), {}))
        except ImportError:
            raise UsageError(missing(self.address)) from None
        except ValueError:
            raise UsageError(
                f"{self.address} cannot be read: '{scheme}://' is not known. Use s3://, gs://, "
                "hf://datasets/ or https://."
            ) from None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(self.address).name

    @property
    def is_named_as_file(self) -> bool:
        """Whether its name has the ending of a picture, a table or an archive."""
        return self.name.lower().endswith(FILES)

    def inner(self, name: str) -> str:
        """The path of a file in this folder, for fsspec; of the place itself without a name."""
        return f"{self._opened[1].rstrip('/')}/{name}" if name else self._opened[1]

    def files(self, needed: bool = True) -> dict[str, Entry]:
        """Every file below this folder by its path from it; this file itself by an empty name.

        Raises DataError where it may not be read, or where there is none and one is needed.
        """
        try:
            return self.patiently(self._list)
        except Absent:
            if needed:
                raise
            return {}

    def _list(self) -> dict[str, Entry]:
        fs, root = self._opened
        fs.invalidate_cache()
        if self.is_named_as_file:  # to list it, the web would send all of it
            info = fs.info(root)
            if info["type"] == "file":
                return {"": _entry(info)}
        found = fs.find(root, detail=True)
        if not found:
            raise FileNotFoundError(self.address)
        if len(found) == 1 and root.strip("/") == next(iter(found)).strip("/"):
            return {"": _entry(next(iter(found.values())))}
        start = len(root.rstrip("/")) + 1
        found = {path: one for path, one in found.items() if path[start:]}
        bare = [path for path, one in found.items() if one.get("size") is None]  # of the web
        found |= {path: fs.info(path) for path in bare}
        return {path[start:]: _entry(one) for path, one in found.items()}

    def read(self, name: str = "", span: tuple[int, int] | None = None) -> bytes:
        """The content of a file, or a span of it. Raises DataError."""
        return self.patiently(lambda: self._read(name, span), name)

    def _read(self, name: str, span: tuple[int, int] | None) -> bytes:
        fs = self._opened[0]
        if span is None:
            return fs.cat_file(self.inner(name))
        content = fs.cat_file(self.inner(name), start=span[0], end=span[1])
        if len(content) > span[1] - span[0]:
            raise NoSpans
        if len(content) < span[1] - span[0]:
            raise ConnectionError("the connection broke off")
        return content

    def copy(self, name: str, to: Path) -> None:
        """Write the content of a file to one here, in one go. Raises DataError."""
        self.patiently(lambda: self._opened[0].get_file(self.inner(name), str(to)), name)

    def give_up(self) -> None:
        """Wait for nothing any more: whatever fails from now on has failed."""
        self._given_up.set()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all where the storage does so. Raises DataError."""
        self.patiently(lambda: self._write(name, content), name, "written")

    def _write(self, name: str, content: bytes) -> None:
        fs = self._opened[0]
        fs.makedirs(self.inner(""), exist_ok=True) if "file" in fs.protocol else None
        fs.pipe_file(self.inner(name), content)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where it is not there. Raises DataError."""
        try:
            return self.patiently(lambda: self._opened[0].info(self.inner(name)))["size"]
        except Absent:
            return None

    def patiently(self, action: Callable[[], T], name: str = "", verb: str = "read") -> T:
        """What an action gives, tried again while its failure may pass.

        Raises DataError, a sentence of the address and the reason.
        """
        began, pause = time.monotonic(), FIRST_PAUSE
        while True:
            try:
                found = action()
                self._answered = True
                return found
            except (CutawayError, NoSpans):
                raise
            except Exception as error:
                self._answered |= answers(error)
                left = began + self._patience_left(error) - time.monotonic()
                if not passing(error) or left <= 0 or self._given_up.is_set():
                    raise self._failure(error, name, verb) from None
                self._note(error)
                self._given_up.wait(min(left, pause * random.uniform(0.5, 1.5)))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _patience_left(self, error: Exception) -> float:
        """Seconds for which a failure may pass: few while nothing has ever answered here."""
        if self._answered:
            return self.patience
        return 0.0 if no_such_host(error) else min(self.patience, FIRST_ANSWER)

    def _note(self, error: Exception) -> None:
        """Say once that it is tried again."""
        if self._answered and not self._noted:
            self._noted = True
            said = f"{self.address}: {reason(error)}. Trying again, for {self.patience:g} seconds."
            print(said, file=sys.stderr)

    def _failure(self, error: Exception, name: str, verb: str) -> DataError:
        at = f"{self.address}/{name}" if name else self.address
        if isinstance(error, FileNotFoundError) and not passing(error):
            return Absent(f"There is nothing at {at}: check the address.")
        if passing(error) and not self._answered:
            return DataError(
                f"{at} cannot be {verb}: nothing answers there. Check the address and the network."
            )
        if passing(error):
            return DataError(
                f"{at} cannot be {verb}: {reason(error)}, for {self.patience:g} seconds. Try again "
                "later: what has arrived is kept, and a run goes on with cutaway resume."
            )
        return DataError(f"{at} cannot be {verb}: {reason(error)}.")


class Absent(DataError):
    """There is no such file."""


def _patience() -> float:
    text = os.environ.get("CUTAWAY_PATIENCE") or str(PATIENCE)
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"CUTAWAY_PATIENCE={text} is no number of seconds.") from None


def _entry(info: dict[str, Any]) -> Entry:
    keys = ("ETag", "etag", "md5Hash", "blob_id", "LastModified", "mtime", "updated")
    return Entry(info.get("size"), "|".join(str(info[key]) for key in keys if info.get(key)))


def missing(address: str) -> str:
    """What is said where the libraries are lacking that an address needs."""
    return f"{address} needs libraries that are not installed: pip install 'cutaway[remote]'."
