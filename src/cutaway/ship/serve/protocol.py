"""uvicorn's protocol, with limits on what comes before a request's body."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cutaway.ship.serve.http_errors import said

MOST = 1 << 16
"""Bytes of a request's head."""
FAREWELL = 0.05
"""Seconds in which what lies in a socket when the server is stopped is still read."""


class Guarded(HttpToolsProtocol):
    """A head has to arrive within `patience` seconds, and within 64 KB.

    What comes after a refusal is thrown away for as long, as in `limits`.

    uvicorn bounds neither, so that a client who never ends its head would hold its connection for
    ever.
    """

    patience: float = 30.0

    def __init__(self, *given: Any, **named: Any):
        super().__init__(*given, **named)
        self._alarm: asyncio.TimerHandle | None = None
        self._head = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._wait_no_more()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        self._head = self._head + len(data) if self._alarm else 0
        if self._head > MOST:
            self._refuse(431, "The request's headers are too large.")

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not a valid HTTP request.")

    def shutdown(self) -> None:
        """Close, but not before what has arrived already is read: it is answered."""
        self.loop.call_later(FAREWELL, self._say_goodbye)

    def _say_goodbye(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _wait(self) -> None:
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.patience, self._give_up)

    def _wait_no_more(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        self._alarm = None
        if not self.transport.is_closing():
            self._refuse(408, f"The request did not begin within {self.patience:g} seconds.")

    def _refuse(self, status: int, sentence: str) -> None:
        self._wait_no_more()
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what is being answered can be told no more
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        body = said(sentence)
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(
            STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
        )
        self.transport.write_eof()
        self.loop.call_later(self.patience, self.transport.close)


def guarded(patience: float) -> type[Guarded]:
    """The protocol with its patience."""
    return type("Guarded", (Guarded,), {"patience": patience})
