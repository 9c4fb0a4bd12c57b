"""From encoded pictures to answers: decode, wait for a batch, say it with names."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from threading import Event

import numpy as np
from jaxtyping import Float

from cutaway.ship.serve.batching import Batcher
from cutaway.ship.serve.decoding import Decoder, Pixels, all_of
from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.http_errors import RequestError, busy
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.occlusion import heat_map, in_bytes, png
from cutaway.ship.serve.settings import Settings
from cutaway.ship.serve.swap import Served

Reply = Mapping[str, object]


class Service:
    """What the routes ask. Each request keeps the network that it began with."""

    def __init__(self, served: Served, settings: Settings, metrics: Metrics):
        self.served, self.settings = served, settings
        self._decoder = Decoder(settings.max_pixels)
        self._batcher = Batcher(settings, metrics)

    async def warm_up(self) -> None:
        """Decode a picture, so that the first request need not wait for Pillow's formats."""
        about = self.served.engine.about
        black = png(np.zeros((*about.size, about.channels), np.uint8))
        await self._decoder.decode([b64decode(black)], about)

    def close(self) -> None:
        self._decoder.close()
        self._batcher.close()

    async def answers(self, contents: Sequence[bytes]) -> list[Reply]:
        """What the network says of each picture.

        Raises:
            RequestError: one cannot be read, or no answer was found in time.
        """
        engine = self.served.engine
        try:
            async with asyncio.timeout(self.settings.timeout):
                found = await self._asked(contents, engine)
        except TimeoutError:
            raise self._late() from None
        task, target = engine.about.task_kind(), engine.about.target
        return [task.reply(one, target) for one in found]

    async def why(self, content: bytes) -> Reply:
        """The most probable classes of a picture, and where the first comes from.

        Raises:
            RequestError: it cannot be read, or no answer was found in time.
        """
        engine = self.served.engine
        task, target = engine.about.task_kind(), engine.about.target
        if not task.classifies:
            said = f"Only classes are explained; this network predicts {target.plural}."
            raise RequestError(422, "why", said)
        try:
            async with asyncio.timeout(self.settings.timeout):
                with self._batcher.expecting(1):
                    (pixels,) = await self._decoder.decode([content], engine.about)
                p = await self._answered(pixels, engine)
                heat = await self._heat(pixels, engine, int(p.argmax()))
        except TimeoutError:
            raise self._late() from None
        shown = {"seen": png(pixels), "heat": png(in_bytes(heat)), "most": float(heat.max())}
        return {**task.reply(p, target), **shown}

    async def _asked(
        self, contents: Sequence[bytes], engine: Engine
    ) -> Sequence[Float[np.ndarray, "k"]]:
        with self._batcher.expecting(len(contents)):
            pixels = await self._decoder.decode(contents, engine.about)
            waiting = [self._batcher.put(one, engine) for one in pixels]
        return await all_of(waiting)

    async def _answered(self, pixels: Pixels, engine: Engine) -> Float[np.ndarray, "k"]:
        with self._batcher.expecting(1):
            waiting = self._batcher.put(pixels, engine)
        return await waiting

    async def _heat(self, pixels: Pixels, engine: Engine, k: int) -> Float[np.ndarray, "h w"]:
        """Each covered picture waits in the queue like any other, so that nobody is kept waiting
        for long."""
        loop, over = asyncio.get_running_loop(), Event()

        def answered(one: Pixels) -> Float[np.ndarray, "k"]:
            if over.is_set():  # nobody waits any more
                raise self._late()
            asked = asyncio.run_coroutine_threadsafe(self._answered(one, engine), loop)
            return asked.result(self.settings.timeout)

        try:
            return await asyncio.to_thread(heat_map, answered, pixels, k, engine.about.mean)
        finally:
            over.set()

    def _late(self) -> Exception:
        return busy("late", f"There was no answer within {self.settings.timeout:g} seconds.")
