"""The studio: its hub with real processes and a viewer that reads what comes; its server."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from cutaway.studio.hub import Hub, Viewer
from helpers.waiting import eventually

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


@contextmanager
def elsewhere(ready: Path, *words: str) -> Iterator[None]:
    """`cutaway train ...` goes on in another process, once it has written a file, and
    has not ended before what is done meanwhile has."""
    command = [sys.executable, "-m", "cutaway", "train", *words, "--quiet"]
    with subprocess.Popen(command) as process:
        try:
            eventually(lambda: ready.exists() or process.poll() is not None)
            assert process.poll() is None
            yield
            assert process.poll() is None
        finally:
            process.kill()


def run_of(message: Message) -> Path:
    return Path(message["run"])


@contextmanager
def studio(*words: str) -> Iterator[tuple[str, str, list[str]]]:
    """`cutaway studio` in a process; gives its address without the token, and the token."""
    command = [sys.executable, "-W", "error", "-m", "cutaway", "studio", *words, "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            said = list[str]()
            while not said or "http" not in said[-1]:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                said.append(line.strip())
            address, _, token = said[-1].split()[-1].partition("/?token=")
            yield address, token, said
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
