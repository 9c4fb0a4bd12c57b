"""Limits of the server: requests per client, sizes of bodies, time to arrive."""

import asyncio
from collections import OrderedDict
from time import monotonic

from cutaway.ship.serve.asgi import (
    App,
    ClientDisconnect,
    Message,
    Receive,
    Send,
    Upload,
    replay_body,
    send_end,
    send_response,
)
from cutaway.ship.serve.http_errors import RequestError, busy
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.settings import Settings

UNLIMITED = ("/health", "/metrics")
"""Routes that are never refused: monitoring has to work while the server is busy."""
CLIENTS = 10_000
"""Number of clients that are remembered."""


class TokenBuckets:
    """Token buckets: `rate` requests a second per client, twice as many at once."""

    def __init__(self, rate: float):
        self.rate = rate
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> bool:
        """Whether the client has a token left, which is taken; `now` in seconds."""
        capacity = max(1.0, 2 * self.rate)
        tokens, then = self._tokens.pop(client, (capacity, now))
        tokens = min(capacity, tokens + (now - then) * self.rate)
        granted = tokens >= 1
        self._tokens[client] = (tokens - granted, now)
        if len(self._tokens) > CLIENTS:  # the one that has asked for nothing for longest
            self._tokens.popitem(last=False)
        return granted


class Limits:
    """Middleware that reads each request completely, within the limits, before it is handled.

    What arrives too often, too large or too late is answered with one sentence, and the
    connection ends. What the client still sends is thrown away for as long as a request may take
    to arrive: were the connection closed at once, it would break before a client that is busy has
    read why.
    """

    def __init__(self, app: App, settings: Settings, metrics: Metrics):
        self.app, self.settings, self.metrics = app, settings, metrics
        self.in_flight, self.held_bytes = 0, 0
        self._buckets = TokenBuckets(settings.rate)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self.app(scope, receive, send)
            return
        upload = Upload(scope, receive)
        try:
            self._admit((scope.get("client") or ("", 0))[0])
            body = await self._read(upload)
        except RequestError as refusal:
            await self._refuse(refusal, upload, send)
            return
        except ClientDisconnect:
            self.metrics.refused.labels("gone").inc()
            return
        try:
            await self.app(scope, replay_body(body, receive), send)
        finally:
            self._release(len(body))

    def _admit(self, client: str) -> None:
        if self.settings.rate and not self._buckets.take(client, monotonic()):
            limit = f"{self.settings.rate:g} requests a second"
            raise RequestError(429, "rate", f"Rate limit exceeded: {limit} are allowed.")
        if self.in_flight >= self.settings.max_requests:
            raise busy("requests", "The server is busy with as many requests as it can handle.")

    async def _read(self, upload: Upload) -> bytes:
        """Read the body; its place among the requests in flight is taken, and given back if it
        fails."""
        body = bytearray()
        self._count(1)
        try:
            self._check(upload.declared)
            async with asyncio.timeout(self.settings.timeout):
                while not upload.complete:
                    chunk = await upload.next()
                    body += chunk
                    self.held_bytes += len(chunk)
                    self._check(len(body))
        except TimeoutError:
            self._release(len(body))
            within = f"{self.settings.timeout:g} seconds"
            raise RequestError(
                408, "slow", f"The request did not arrive within {within}."
            ) from None
        except BaseException:
            self._release(len(body))
            raise
        return bytes(body)

    def _check(self, size: int) -> None:
        if size > self.settings.max_bytes:
            limit = f"{self.settings.max_mb:g} MB"
            raise RequestError(413, "size", f"The request is too large: {limit} are accepted.")
        if self.held_bytes > self.settings.max_total_bytes:
            raise busy("memory", "The requests in progress are too large together.")

    def _release(self, size: int) -> None:
        self.held_bytes -= size
        self._count(-1)

    def _count(self, change: int) -> None:
        self.in_flight += change
        self.metrics.in_flight.set(self.in_flight)

    async def _refuse(self, refusal: RequestError, upload: Upload, send: Send) -> None:
        self.metrics.refused.labels(refusal.reason).inc()
        headers = refusal.headers | {"connection": "close"}
        await send_response(send, refusal.status, headers, refusal.body)
        await upload.drain(16 * self.settings.max_bytes, self.settings.timeout)
        await send_end(send)
