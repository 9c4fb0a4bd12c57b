"""Dynamic batching: images of many requests are answered together."""

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from time import perf_counter
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, UInt8

from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.http_errors import busy
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.settings import Settings

Pixels = UInt8[np.ndarray, "h w c"]
Probabilities = Float[np.ndarray, "k"]
Answers = Float[np.ndarray, "n k"]
INLINE_SECONDS, INLINE_SECONDS_ALONE = 5e-4, 2.5e-3
"""Seconds below which a batch is computed in the event loop, since waking a thread and being woken
by it takes about half of the first. The second is for a single client, whom nobody else waits
behind."""


@dataclass(frozen=True, eq=False)
class QueuedImage:
    """An image in the queue, the network it was prepared for, and the future of its answer."""

    pixels: Pixels
    engine: Engine
    answer: "asyncio.Future[Probabilities]"
    due: float


class Batcher:
    """One worker thread, and the queue of images that wait for it.

    Once the worker is free, all that waits leaves together, at most `max_batch` images. Only where
    more are on their way (arrived, and still being decoded) a batch waits for them, until it is
    full or its oldest image has waited for the budget. So a lone request never waits.

    What is answered sooner than a thread is woken (`INLINE_SECONDS`) is computed in the event loop;
    so is one image after another (`INLINE_SECONDS_ALONE`).

    Everything but `_run` runs in the event loop, so nothing is locked.
    """

    def __init__(self, settings: Settings, metrics: Metrics):
        self.settings, self.metrics = settings, metrics
        self.announced = 0
        self._queue: deque[QueuedImage] = deque()
        self._free = True
        self._alarm: asyncio.TimerHandle | None = None
        self._worker = ThreadPoolExecutor(1, "network")
        self._last: WeakKeyDictionary[Engine, tuple[int, float]] = WeakKeyDictionary()

    @contextmanager
    def announce(self, count: int) -> Iterator[None]:
        """Announce `count` images that are about to be `put`; they are dispatched at the end of the
        block.

        Raises:
            RequestError: too many wait already.
        """
        if len(self._queue) + self.announced + count > self.settings.max_waiting:
            raise busy("queue", "Too many images are waiting for the network.")
        self.announced += count
        try:
            yield
        finally:
            self.announced -= count
            self._dispatch()

    def put(self, pixels: Pixels, engine: Engine) -> "asyncio.Future[Probabilities]":
        """Queue an image, inside `announce`."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.settings.budget_ms / 1000
        one = QueuedImage(pixels, engine, loop.create_future(), due)
        self._queue.append(one)
        return one.answer

    def close(self) -> None:
        self._worker.shutdown()

    def _dispatch(self) -> None:
        """Start a batch if it is due."""
        self.metrics.waiting.set(len(self._queue))
        if not (self._free and self._queue):
            return
        loop, due = asyncio.get_running_loop(), self._queue[0].due
        full = len(self._queue) >= self.settings.max_batch
        if full or not self.announced or loop.time() >= due:
            self._start_batch()
        elif self._alarm is None:
            self._alarm = loop.call_at(due, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        self._dispatch()

    def _start_batch(self) -> None:
        batch = self._take_batch()
        if not batch:
            return
        self._free = False
        if self._is_quick(batch):
            self._deliver(batch, self._run(batch))
            return
        done = asyncio.get_running_loop().run_in_executor(self._worker, self._run, batch)
        done.add_done_callback(lambda done: self._deliver(batch, done.result()))

    def _is_quick(self, batch: list[QueuedImage]) -> bool:
        """Whether a batch is fast enough for the event loop, by what the last batch of its network
        took: no less than that one, however small, and for each image as much."""
        size, seconds = self._last.get(batch[0].engine, (1, inf))
        if len(batch) == size == 1 and not self.announced:
            return seconds < INLINE_SECONDS_ALONE
        return seconds * max(1.0, len(batch) / size) < INLINE_SECONDS

    def _take_batch(self) -> list[QueuedImage]:
        """Take the images in front that wait for the same network; cancelled ones are dropped."""
        batch: list[QueuedImage] = []
        while self._queue and len(batch) < self.settings.max_batch:
            if batch and self._queue[0].engine is not batch[0].engine:
                break
            one = self._queue.popleft()
            if not one.answer.done():
                batch.append(one)
        self.metrics.waiting.set(len(self._queue))
        return batch

    def _run(self, batch: list[QueuedImage]) -> Answers | Exception:
        """Compute the outputs, or return the exception; as a rule in the worker's thread."""
        engine, began = batch[0].engine, perf_counter()
        try:
            return engine.answer(np.stack([one.pixels for one in batch]))
        except Exception as error:
            return error
        finally:
            seconds = perf_counter() - began
            self._last[engine] = (len(batch), seconds)
            self.metrics.network.observe(seconds)

    def _deliver(self, batch: list[QueuedImage], result: Answers | Exception) -> None:
        self._free = True
        self.metrics.batches.observe(len(batch))
        for i, one in enumerate(batch):
            if one.answer.done():
                continue
            if isinstance(result, Exception):
                one.answer.set_exception(
                    busy("network", f"The network failed: {short_error(result)}.")
                )
            else:
                one.answer.set_result(result[i])
        if self._queue:  # not called from here: answers on the spot would nest without end
            asyncio.get_running_loop().call_soon(self._dispatch)


def short_error(error: BaseException) -> str:
    """The first line of a library's error, without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0][:200] if lines else type(error).__name__).rstrip(".")
