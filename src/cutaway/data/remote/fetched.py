"""Data elsewhere as a folder here: each file fetched once, side by side, to the bounded cache."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath

from cutaway.data import cache
from cutaway.data.download import progress_bar
from cutaway.data.remote import bounded
from cutaway.data.remote.place import Entry, NoSpans, Place
from cutaway.errors import DataError

SIDE_BY_SIDE = 24  # requests at a time, of small files most of whose time is spent waiting
PIECE = 8 << 20  # bytes asked for at a time, so that a broken connection costs no more
ARRIVED = "arrived.jsonl"


@contextmanager
def fetched(place: Place) -> Iterator[Path]:
    """The folder or the file of a place, here; kept there as long as this is open.

    What arrived before an interruption is kept, and a file that has changed is fetched again.

    Raises:
        DataError: it cannot be read, or is larger than the cache may be.
    """
    listed = _wanted(place)
    entry = bounded.root() / f"set-{cache.digest(place.address)}"
    with cache.disk_errors(), bounded.held(entry):
        entry.mkdir(exist_ok=True)
        bounded.used(entry)
        inner = entry / "files" / (place.name or "data")
        _update(place, listed, entry, inner)
        yield inner


def _wanted(place: Place) -> dict[str, Entry]:
    """The files to be fetched; raises DataError where they are too many bytes."""
    listed = place.files()
    listed = {name: one for name, one in listed.items() if not name or _is_plain(name)}
    size = sum(one.size or 0 for one in listed.values())
    if size > bounded.limit():
        raise DataError(
            f"{place.address} holds {bounded.size_text(size)}, and the cache "
            f"{bounded.root()} may hold {bounded.size_text(bounded.limit())}: set "
            "CUTAWAY_CACHE_LIMIT to more, or write it once in shards that are read as they are "
            f"needed, cutaway pack {place.address} {place.address}-packed"
        )
    return listed


def _is_plain(name: str) -> bool:
    """Whether a path stays below its folder, and is no hidden file."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and not any(p.startswith(".") for p in parts)


def _update(place: Place, listed: dict[str, Entry], entry: Path, inner: Path) -> None:
    """Fetch what is not here as it is listed, and remove what is listed no more."""
    known = _arrived(entry / ARRIVED)
    target = {name: inner / name if name else inner for name in listed}
    missing = [
        name for name, one in listed.items()
        if known.get(name) != list(one) or not target[name].is_file()
    ]  # fmt: skip
    for name in known.keys() - listed.keys():
        (inner / name if name else inner).unlink(missing_ok=True)
    if not missing:
        return
    bounded.make_room(sum(listed[name].size or 0 for name in missing), entry)
    with open(entry / ARRIVED, "a", encoding="utf-8") as log, progress_bar(place.name) as advance:
        print(file=log)  # after a line that a killed process did not end
        total, done = sum(listed[name].size or 0 for name in missing), 0
        for name in _all(place, missing, listed, target):
            print(json.dumps([name, *listed[name]]), file=log, flush=True)
            done += listed[name].size or 0
            advance(done, total)


def _all(
    place: Place, names: list[str], listed: dict[str, Entry], target: dict[str, Path]
) -> Iterator[str]:
    """Fetch files side by side; the name of each as it is here. After a failure no more begin."""
    waiting, failure = iter(names), None
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            while True:
                for name in islice(waiting, 0 if failure else 2 * SIDE_BY_SIDE - len(running)):
                    job = pool.submit(_fetch, place, name, listed[name].size, target[name])
                    running[job] = name
                if not running:
                    break
                for job in wait(running, return_when=FIRST_COMPLETED).done:
                    name, error = running.pop(job), job.exception()
                    if error is None:
                        yield name
                    failure = failure or error
                if failure:
                    place.give_up()
        except BaseException:
            place.give_up()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failure:
        raise failure


def _fetch(place: Place, name: str, size: int | None, target: Path) -> None:
    """One file, piece by piece, under its name once it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_name(f".{target.name}.coming")
    try:
        if size is None:
            raise NoSpans
        if size <= PIECE:
            coming.write_bytes(place.read(name))
        else:
            _in_pieces(place, name, size, coming)
    except NoSpans:
        place.copy(name, coming)
    if size is not None and coming.stat().st_size != size:
        coming.unlink()
        raise DataError(
            f"{place.address}/{name} changed while it was read: begin again when it is still."
        )
    os.replace(coming, target)


def _in_pieces(place: Place, name: str, size: int, coming: Path) -> None:
    """Go on with a large file where an interruption left it."""
    have = coming.stat().st_size // PIECE * PIECE if coming.exists() else 0
    with open(coming, "r+b" if have else "wb") as file:
        file.truncate(have)
        for start in range(file.seek(have), size, PIECE):
            file.write(place.read(name, (start, min(start + PIECE, size))))


def _arrived(log: Path) -> dict[str, list[object]]:
    """What is here, by its name, as it was listed when it came."""
    known = {}
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            name, *entry = json.loads(line)
        except ValueError:  # the line that was being written when the process was killed
            continue
        known[name] = entry
    return known
