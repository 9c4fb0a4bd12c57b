"""ASGI types, and a request's body as it arrives."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class ClientDisconnect(Exception):
    """The client left before its request was complete."""


class Upload:
    """The body of a request, chunk by chunk.

    Attributes:
        declared: its length in bytes as its head says, 0 where it says none.
        complete: whether all of it has arrived.
    """

    def __init__(self, scope: Message, receive: Receive):
        headers = dict(scope["headers"])
        self.declared = int(headers.get(b"content-length", 0))
        self.complete = not self.declared and b"transfer-encoding" not in headers
        self._receive = receive

    async def next(self) -> bytes:
        """Receive the next chunk.

        Raises:
            ClientDisconnect: none will come.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.complete = not message.get("more_body", False)
        chunk: bytes = message["body"]
        return chunk

    async def drain(self, max_bytes: int, seconds: float) -> None:
        """Discard what still arrives, up to a number of bytes and seconds."""
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(seconds):
                while not self.complete and max_bytes > 0:
                    max_bytes -= len(await self.next())


def replay_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body at once, and then whatever comes."""
    bodies = [body]

    async def replay() -> Message:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        return await receive()

    return replay


async def send_response(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Send a JSON response, all but its end: after `send_end` the connection may close."""
    fields = {"content-type": "application/json", "content-length": str(len(body))} | headers
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def send_end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})
