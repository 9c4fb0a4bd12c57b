"""Images of many requests, answered together."""

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
QUICK, ALONE = 5e-4, 2.5e-3
"""Seconds: to wake a thread and be woken by it takes about half of the first. A lone client has
nobody beside it whom the second could keep waiting."""


@dataclass(frozen=True, eq=False)
class Waiting:
    """An image, the network that it was made ready for, and whoever waits for its answer."""

    pixels: Pixels
    engine: Engine
    answer: "asyncio.Future[Probabilities]"
    due: float


class Batcher:
    """One worker, and the images that wait for it.

    Once the worker is free, all that waits leaves together, at most `max_batch` images. Only where
    more are on their way (arrived, and still being decoded) a batch waits for them, until it is
    full or its oldest image has waited for the budget. So a lone request never waits.

    What is answered sooner than a thread is woken (`QUICK`) is answered on the spot; so is one
    image after another (`ALONE`).

    Everything but `_work` runs in the event loop, so nothing is locked.
    """

    def __init__(self, settings: Settings, metrics: Metrics):
        self.settings, self.metrics = settings, metrics
        self.coming = 0
        self._queue: deque[Waiting] = deque()
        self._free = True
        self._alarm: asyncio.TimerHandle | None = None
        self._worker = ThreadPoolExecutor(1, "network")
        self._last: WeakKeyDictionary[Engine, tuple[int, float]] = WeakKeyDictionary()

    @contextmanager
    def expecting(self, count: int) -> Iterator[None]:
        """Inside, `count` images are on their way; those that were `put` are thought of at its end.

        Raises:
            RequestError: too many wait already.
        """
        if len(self._queue) + self.coming + count > self.settings.max_waiting:
            raise busy("queue", "Too many images are waiting for the network.")
        self.coming += count
        try:
            yield
        finally:
            self.coming -= count
            self._consider()

    def put(self, pixels: Pixels, engine: Engine) -> "asyncio.Future[Probabilities]":
        """Let an image wait for its answer, inside `expecting`."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.settings.budget_ms / 1000
        one = Waiting(pixels, engine, loop.create_future(), due)
        self._queue.append(one)
        return one.answer

    def close(self) -> None:
        self._worker.shutdown()

    def _consider(self) -> None:
        """Send a batch off if it is time."""
        self.metrics.waiting.set(len(self._queue))
        if not (self._free and self._queue):
            return
        loop, due = asyncio.get_running_loop(), self._queue[0].due
        full = len(self._queue) >= self.settings.max_batch
        if full or not self.coming or loop.time() >= due:
            self._leave()
        elif self._alarm is None:
            self._alarm = loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._consider()

    def _leave(self) -> None:
        batch = self._next()
        if not batch:
            return
        self._free = False
        if self._is_quick(batch):
            self._arrived(batch, self._work(batch))
            return
        done = asyncio.get_running_loop().run_in_executor(self._worker, self._work, batch)
        done.add_done_callback(lambda done: self._arrived(batch, done.result()))

    def _is_quick(self, batch: list[Waiting]) -> bool:
        """By what the last batch of its network took: no less than that one, however small, and
        for each image as much."""
        size, seconds = self._last.get(batch[0].engine, (1, inf))
        if len(batch) == size == 1 and not self.coming:
            return seconds < ALONE
        return seconds * max(1.0, len(batch) / size) < QUICK

    def _next(self) -> list[Waiting]:
        """The images in front that wait for the same network; those given up are dropped."""
        batch: list[Waiting] = []
        while self._queue and len(batch) < self.settings.max_batch:
            if batch and self._queue[0].engine is not batch[0].engine:
                break
            one = self._queue.popleft()
            if not one.answer.done():
                batch.append(one)
        self.metrics.waiting.set(len(self._queue))
        return batch

    def _work(self, batch: list[Waiting]) -> Answers | Exception:
        """What the network says, or how it failed; as a rule in the worker's thread."""
        engine, began = batch[0].engine, perf_counter()
        try:
            return engine.answer(np.stack([one.pixels for one in batch]))
        except Exception as error:
            return error
        finally:
            seconds = perf_counter() - began
            self._last[engine] = (len(batch), seconds)
            self.metrics.network.observe(seconds)

    def _arrived(self, batch: list[Waiting], found: Answers | Exception) -> None:
        self._free = True
        self.metrics.batches.observe(len(batch))
        for i, one in enumerate(batch):
            if one.answer.done():
                continue
            if isinstance(found, Exception):
                one.answer.set_exception(busy("network", f"The network failed: {brief(found)}."))
            else:
                one.answer.set_result(found[i])
        if self._queue:  # not called from here: answers on the spot would nest without end
            asyncio.get_running_loop().call_soon(self._consider)


def brief(error: BaseException) -> str:
    """An error of a library in half a sentence."""
    lines = str(error).strip().splitlines()
    return (lines[0][:200] if lines else type(error).__name__).rstrip(".")
