"""Handle requests: decode pictures, queue them for a batch, name the outputs."""

import asyncio
from collections.abc import Mapping, Sequence
from threading import Event

import numpy as np
import torch
from jaxtyping import Float

from cutaway.learn import image_grid
from cutaway.ship.serve.batching import Batcher
from cutaway.ship.serve.decoding import Decoder, Pixels, gather
from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.http_errors import RequestError, busy
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.occlusion import heat_map, png, to_uint8
from cutaway.ship.serve.settings import Settings
from cutaway.ship.serve.swap import Served

Reply = Mapping[str, object]


class Service:
    """The handlers of the routes. Each request keeps the network that it began with."""

    def __init__(self, served: Served, settings: Settings, metrics: Metrics):
        self.served, self.settings = served, settings
        self._decoder = Decoder(settings.max_pixels)
        self._batcher = Batcher(settings, metrics)

    async def warm_up(self) -> None:
        """Decode a picture, so that the first request need not wait for Pillow's formats."""
        about = self.served.engine.about
        black = torch.zeros(*about.size, about.channels, dtype=torch.uint8)
        await self._decoder.decode([image_grid.png(black)], about)

    def close(self) -> None:
        self._decoder.close()
        self._batcher.close()

    async def answers(self, contents: Sequence[bytes]) -> list[Reply]:
        """The network's answer to each picture.

        Raises:
            RequestError: one cannot be read, or no answer was found in time.
        """
        engine = self.served.engine
        try:
            async with asyncio.timeout(self.settings.timeout):
                outputs = await self._answer_all(contents, engine)
        except TimeoutError:
            raise self._timeout_error() from None
        task, target = engine.about.task_kind(), engine.about.target
        return [task.reply(one, target) for one in outputs]

    async def why(self, content: bytes) -> Reply:
        """The most probable classes of a picture, and where the first comes from.

        Raises:
            RequestError: it cannot be read, or no answer was found in time.
        """
        engine = self.served.engine
        task, target = engine.about.task_kind(), engine.about.target
        if not task.classifies:
            sentence = f"Only classes are explained; this network predicts {target.plural}."
            raise RequestError(422, "why", sentence)
        try:
            async with asyncio.timeout(self.settings.timeout):
                with self._batcher.announce(1):
                    (pixels,) = await self._decoder.decode([content], engine.about)
                p = await self._answer_one(pixels, engine)
                heat = await self._heat(pixels, engine, int(p.argmax()))
        except TimeoutError:
            raise self._timeout_error() from None
        explanation = {"seen": png(pixels), "heat": png(to_uint8(heat)), "most": float(heat.max())}
        return {**task.reply(p, target), **explanation}

    async def _answer_all(
        self, contents: Sequence[bytes], engine: Engine
    ) -> Sequence[Float[np.ndarray, "k"]]:
        with self._batcher.announce(len(contents)):
            pixels = await self._decoder.decode(contents, engine.about)
            futures = [self._batcher.put(one, engine) for one in pixels]
        return await gather(futures)

    async def _answer_one(self, pixels: Pixels, engine: Engine) -> Float[np.ndarray, "k"]:
        with self._batcher.announce(1):
            future = self._batcher.put(pixels, engine)
        return await future

    async def _heat(self, pixels: Pixels, engine: Engine, k: int) -> Float[np.ndarray, "h w"]:
        """The heat map; each covered picture waits in the queue like any other, so that nobody is
        kept waiting for long."""
        loop, cancelled = asyncio.get_running_loop(), Event()

        def answer(covered: Pixels) -> Float[np.ndarray, "k"]:
            if cancelled.is_set():  # nobody waits any more
                raise self._timeout_error()
            future = asyncio.run_coroutine_threadsafe(self._answer_one(covered, engine), loop)
            return future.result(self.settings.timeout)

        try:
            return await asyncio.to_thread(heat_map, answer, pixels, k, engine.about.mean)
        finally:
            cancelled.set()

    def _timeout_error(self) -> Exception:
        return busy("late", f"There was no answer within {self.settings.timeout:g} seconds.")
