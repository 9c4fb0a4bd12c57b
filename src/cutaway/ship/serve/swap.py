"""Replace the served network when the files at its path change."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cutaway.errors import CutawayError
from cutaway.ship.serve.batching import short_error
from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.metrics import Metrics

log = logging.getLogger("cutaway.serve")
INTERVAL = 1.0
"""Seconds between checks of the served path."""
WATCHED = ("weights.safetensors", "results.json", "fleet.json")
"""Files of a directory that are watched; an exported file is watched itself."""

Stamp = tuple[object, ...]
Load = Callable[[Path], Engine]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Served:
    """The network in service, and since when."""

    engine: Engine
    since: str = field(default_factory=now)

    def replace(self, engine: Engine) -> None:
        """Answer new requests by another network.

        Images that wait already were made ready for the old one, and it still answers them.
        """
        self.engine, self.since = engine, now()


def stamp(path: Path) -> Stamp:
    """A value that changes when another network is put at a path: its target, and the state of its
    files."""
    real = path.resolve()
    files = (real, *(real / name for name in WATCHED))
    return (real, *map(_file_state, files[:1] if real.is_file() else files[1:]))


def _file_state(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class Watcher:
    """Watch the served path, and switch to a new network once it has answered.

    One that cannot be loaded is named in the log and the old one stays; it is tried again when
    its files change.
    """

    def __init__(self, path: Path, load: Load, served: Served, metrics: Metrics):
        self.path, self._load, self._served, self._metrics = path, load, served, metrics
        self._stamp = stamp(path)

    async def watch(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            await self.check()

    async def check(self) -> None:
        """Check once."""
        current = stamp(self.path)
        if current == self._stamp:
            return
        self._stamp = current
        try:
            self._served.replace(await asyncio.to_thread(self._load, self.path))
        except Exception as error:  # whatever it is, the old network goes on answering
            self._metrics.swaps.labels("failed").inc()
            reason = str(error) if isinstance(error, CutawayError) else f"{short_error(error)}."
            log.warning("The new network cannot be used, so the old one stays: %s", reason)
            return
        self._metrics.swaps.labels("done").inc()
        log.info("A new network is in use: %s.", self._served.engine.about.model)
