"""The words of ASGI, and a request's body as it arrives."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Gone(Exception):
    """The client left before its request was whole."""


class Upload:
    """The body of a request, chunk by chunk.

    Attributes:
        declared: its length in bytes as its head says, 0 where it says none.
        whole: whether all of it has arrived.
    """

    def __init__(self, scope: Message, receive: Receive):
        headers = dict(scope["headers"])
        self.declared = int(headers.get(b"content-length", 0))
        self.whole = not self.declared and b"transfer-encoding" not in headers
        self._receive = receive

    async def next(self) -> bytes:
        """The next chunk.

        Raises:
            Gone: none will come.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        self.whole = not message.get("more_body", False)
        chunk: bytes = message["body"]
        return chunk

    async def drain(self, most: int, seconds: float) -> None:
        """Throw away what still comes, but not for ever."""
        with suppress(TimeoutError, Gone):
            async with asyncio.timeout(seconds):
                while not self.whole and most > 0:
                    most -= len(await self.next())


def replaying(body: bytes, receive: Receive) -> Receive:
    """The whole body at once, and then whatever comes."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


async def send_whole(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """A JSON answer, all but its end: after `send_end` the connection may close."""
    named = {"content-type": "application/json", "content-length": str(len(body))} | headers
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def send_end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})
