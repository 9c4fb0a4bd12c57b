"""uvicorn's HTTP protocol, with limits on what comes before a request's body."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cutaway.ship.serve.http_errors import error_body

MAX_HEAD_BYTES = 1 << 16
"""Largest head of a request, in bytes."""
LINGER_SECONDS = 0.05
"""Seconds after the server is stopped in which requests that have arrived already are still read
from their sockets."""


class LimitedProtocol(HttpToolsProtocol):
    """HTTP protocol in which a head has to arrive within `timeout` seconds and 64 KB.

    What comes after a refusal is thrown away for as long, as in `limits`.

    uvicorn bounds neither, so that a client who never ends its head would hold its connection for
    ever.
    """

    timeout: float = 30.0

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._alarm: asyncio.TimerHandle | None = None
        self._head = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        self._head = self._head + len(data) if self._alarm else 0
        if self._head > MAX_HEAD_BYTES:
            self._refuse(431, "The request's headers are too large.")

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not a valid HTTP request.")

    def shutdown(self) -> None:
        """Close after what has already arrived is read and answered."""
        self.loop.call_later(LINGER_SECONDS, self._close)

    def _close(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _start_timer(self) -> None:
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.timeout, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _on_timeout(self) -> None:
        self._alarm = None
        if not self.transport.is_closing():
            self._refuse(408, f"The request did not begin within {self.timeout:g} seconds.")

    def _refuse(self, status: int, sentence: str) -> None:
        self._stop_timer()
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what is being answered can be told no more
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        body = error_body(sentence)
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(
            STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
        )
        self.transport.write_eof()
        self.loop.call_later(self.timeout, self.transport.close)


def limited_protocol(timeout: float) -> type[LimitedProtocol]:
    """The protocol class with this timeout."""
    return type("LimitedProtocol", (LimitedProtocol,), {"timeout": timeout})
