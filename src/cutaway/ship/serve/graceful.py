"""A server that ends as it should: what is in progress is still answered."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from uvicorn import Config, Server
from uvicorn.server import HANDLED_SIGNALS


class GracefulServer(Server):
    """uvicorn's server, but it returns normally after a signal instead of raising it again."""

    def __init__(self, config: Config, on_started: Callable[[], None]):
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at the first signal; at a second one without waiting for anybody."""
        if self.should_exit:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        self.should_exit = True
