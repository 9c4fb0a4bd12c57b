"""The network in service, and the one that takes over."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cutaway.errors import CutawayError
from cutaway.ship.serve.batching import brief
from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.metrics import Metrics

log = logging.getLogger("cutaway.serve")
EVERY = 1.0
"""Seconds between looks at the served path."""
WATCHED = ("weights.safetensors", "results.json", "fleet.json")
"""Of a directory; a file is watched itself."""

Stamp = tuple[object, ...]
Load = Callable[[Path], Engine]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Served:
    """What answers at this moment, and since when."""

    engine: Engine
    since: str = field(default_factory=now)

    def take(self, engine: Engine) -> None:
        """Let another network answer what is asked from now on.

        Images that wait already were made ready for the old one, and it still answers them.
        """
        self.engine, self.since = engine, now()


def stamp(path: Path) -> Stamp:
    """What changes when another network is put at a path: where it leads, and its files."""
    real = path.resolve()
    files = (real, *(real / name for name in WATCHED))
    return (real, *map(_state, files[:1] if real.is_file() else files[1:]))


def _state(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Watcher:
    """Looks at the served path, and lets a new network take over once it has answered.

    One that cannot be loaded is named in the log and the old one stays; it is tried again when
    its files change.
    """

    def __init__(self, path: Path, load: Load, served: Served, metrics: Metrics):
        self.path, self._load, self._served, self._metrics = path, load, served, metrics
        self._seen = stamp(path)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        """Once."""
        found = stamp(self.path)
        if found == self._seen:
            return
        self._seen = found
        try:
            self._served.take(await asyncio.to_thread(self._load, self.path))
        except Exception as error:  # whatever it is, the old network goes on answering
            self._metrics.swaps.labels("failed").inc()
            why = str(error) if isinstance(error, CutawayError) else f"{brief(error)}."
            log.warning("The new network cannot be used, so the old one stays: %s", why)
            return
        self._metrics.swaps.labels("done").inc()
        log.info("A new network is in use: %s.", self._served.engine.about.model)
