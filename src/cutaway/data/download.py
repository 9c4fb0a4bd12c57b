"""Downloads into the cache: mirrors in turn, checksums, and resuming."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cutaway.data import cache
from cutaway.data.catalog import Remote, Source
from cutaway.errors import DataError

Notify = Callable[[str], None]
Advance = Callable[[int, int], None]  # bytes so far, bytes in all (0 where unknown)
WAIT = (10, 60)  # seconds to connect, and between two pieces


def fetch(source: Source, notify: Notify | None = None) -> Path:
    """Download a data set, print its licence, and return its folder.

    The folder appears when everything is there. What has arrived of an interrupted download is
    kept, and the next one goes on from it.

    Raises:
        DataError: no mirror gives a file, what came is not the data set, or the disk is full.
    """
    place = source.downloaded
    coming = place.with_name(f".{source.name}.coming")
    with cache.disk_errors():
        coming.mkdir(parents=True, exist_ok=True)
        with cache.locked(coming.with_suffix(".lock")):  # two processes: the second finds it done
            if not place.is_dir():
                (notify or _say)(_announcement(source))
                for remote in source.files:
                    _file(remote, coming, source)
                _unpack(source, coming)
                os.rename(coming, place)
            shutil.rmtree(coming, ignore_errors=True)
    return place


def _announcement(source: Source) -> str:
    size = f", {source.megabytes:g} MB" if source.megabytes else ""
    return f"Downloading {source.name}{size}: {source.title}. Licence: {source.licence}."


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _unpack(source: Source, folder: Path) -> None:
    if source.name == "rocks":
        from cutaway.data.rocks import unpack

        unpack(folder / source.files[0].name, folder)


def _file(remote: Remote, folder: Path, source: Source) -> None:
    """Get one file from the first mirror that serves it completely."""
    if (folder / remote.name).is_file():  # arrived before an interruption, and was checked then
        return
    part = folder / f"{remote.name}.part"
    if remote.hash is None:  # each request may get another archive: never join two
        part.unlink(missing_ok=True)
    reasons = []
    for url in remote.urls:
        began_with_part = part.exists()
        reason = _try(url, remote, folder, part)
        if reason and began_with_part and not part.exists():  # what was there did not belong to it
            reason = _try(url, remote, folder, part)
        if not reason:
            return
        reasons.append(f"{url} ({reason})")
    otherwise = source.otherwise or (
        f"put its files into a folder '{source.name}' and name the folder above it in CUTAWAY_DATA"
    )
    raise DataError(
        f"{source.name} cannot be downloaded: {'; '.join(reasons)}. Try again later (what has "
        f"arrived is kept), or {otherwise}."
    )


def _try(url: str, remote: Remote, folder: Path, part: Path) -> str:
    """Download from one mirror; return the reason if it fails, else an empty string."""
    import pooch
    from requests import RequestException

    pooch.get_logger().setLevel("WARNING")  # our own notice says what is downloaded
    with progress_bar(remote.name) as advance:

        def download(url: str, output: str, _: object) -> None:
            _resume(url, part, advance)
            os.replace(part, output)

        try:
            pooch.retrieve(url, remote.hash, remote.name, folder, downloader=download)
        except RequestException as error:
            return _reason(error)
        except ValueError:  # pooch's word for a wrong checksum
            return "another file than expected: its checksum differs"
    return ""


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"answers {response.status_code} {response.reason}"
    return {"ConnectTimeout": "no answer", "ReadTimeout": "stopped sending"}.get(
        type(error).__name__, "no connection, or it broke off"
    )


def _resume(url: str, part: Path, advance: Advance) -> None:
    """Download to `part`, continuing from what is there if the server can."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=WAIT) as response:
        if response.status_code == 416:  # nothing beyond what is there: the checksum will tell
            return
        response.raise_for_status()
        resumed = response.status_code == 206
        have = have if resumed else 0
        total = have + int(response.headers.get("Content-Length", 0))
        with open(part, "ab" if resumed else "wb") as file:
            for piece in response.iter_content(1 << 16):
                have += file.write(piece)
                advance(have, total)
    if have < total:
        raise requests.ConnectionError("the connection broke off")


@contextmanager
def progress_bar(name: str) -> Iterator[Advance]:
    """A progress bar on a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
