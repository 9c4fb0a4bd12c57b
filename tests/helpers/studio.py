"""A studio without a page: its hub with real processes, and a viewer that reads what comes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from cutaway.studio.hub import Hub, Viewer

LONGEST = 120.0
Message = dict[str, Any]


class Desk:
    """Somebody who looks.

    Attributes:
        heard: all that came so far.
    """

    def __init__(self, hub: Hub, viewer: Viewer | None = None):
        self.hub, self.viewer = hub, viewer or hub.enter()
        self.heard: list[Message] = []

    async def say(self, **message: Any) -> None:
        await self.hub.take(self.viewer, message)

    async def until(self, seen: Callable[[Message], Any], seconds: float = LONGEST) -> Message:
        """The first message from here on of which something is so."""

        async def found() -> Message:
            while True:
                message = await self.viewer.next()
                self.heard.append(message)
                if seen(message):
                    return message

        try:
            return await asyncio.wait_for(found(), seconds)
        except TimeoutError:
            raise AssertionError([one for one in self.heard if one["kind"] != "frame"]) from None

    async def state(self, *names: str) -> Message:
        return await self.until(lambda m: m["kind"] == "state" and m["state"] in names)

    async def kind(self, name: str) -> Message:
        return await self.until(lambda m: m["kind"] == name)

    async def start(self, model: str = "mlp", data: str = "digits", **more: Any) -> Message:
        """Begin a training that waits before its first step; gives what it says of itself."""
        await self.say(start={"model": model, "data": data, "paused": True, **more})
        begun = await self.kind("begun")
        await self.state("paused")
        return begun


@asynccontextmanager
async def desk(*data: str) -> AsyncIterator[Desk]:
    hub = Hub(data)
    try:
        yield Desk(hub)
    finally:
        await hub.close()


def play(scene: Callable[[Desk], Coroutine[Any, Any, None]], *data: str) -> None:
    """Play a scene at a desk."""

    async def played() -> None:
        async with desk(*data) as one:
            await scene(one)

    asyncio.run(played())


def run_of(message: Message) -> Path:
    return Path(message["run"])


@contextmanager
def served(*words: str) -> Iterator[str]:
    """The address of a studio, `cutaway studio` with these words in a process of its own."""
    command = [sys.executable, "-m", "cutaway", "studio", *words, "--port", "0", "--no-browser"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
