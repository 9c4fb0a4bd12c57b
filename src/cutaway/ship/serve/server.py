"""Runs a server until it is asked to stop."""

import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from uvicorn import Config, Server
from uvicorn.server import HANDLED_SIGNALS

from cutaway.errors import UsageError
from cutaway.ship.serve.app import make_app
from cutaway.ship.serve.protocol import guarded
from cutaway.ship.serve.settings import Settings
from cutaway.ship.serve.swap import Load

BACKLOG = 4096
"""Connections that wait to be accepted."""
DOORS = 16
"""Of a busy server uvloop accepts one connection a turn and socket, and a turn answers all others:
of 64 clients that come at once the last would wait for 64 turns."""


def serve(
    path: Path,
    load: Load,
    settings: Settings,
    host: str,
    port: int,
    tell: Callable[[str], None],
) -> None:
    """Serve the network at a path until SIGINT or SIGTERM, and then answer what was asked.

    Args:
        port: 0 for any that is free.
        tell: is told the address once it answers.

    Raises:
        UsageError: the port is taken, or nothing at `path` can be served.
    """
    with bound(host, port) as listening:
        app = make_app(path, load, settings)
        _log_to_stderr()
        _many_files()
        config = Config(
            app, http=guarded(settings.timeout), ws="none", log_config=None, access_log=False,
            proxy_headers=False,  # anybody may write X-Forwarded-For
            backlog=BACKLOG, server_header=False,
            timeout_graceful_shutdown=int(2 * settings.timeout) + 2,
        )  # fmt: skip
        found = listening.getsockname()
        Stoppable(config, lambda: tell(f"http://{_bracketed(found[0])}:{found[1]}")).run(
            [listening, *(listening.dup() for _ in range(DOORS - 1))]
        )


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket at an address.

    Raises:
        UsageError: the port is taken or not ours, or the host is not this computer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
            one.listen(BACKLOG)
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port, "
                "or 0 for any that is free."
            ) from None
        yield one


class Stoppable(Server):
    """A server that ends well when asked to: uvicorn's own dies of the signal in the end."""

    def __init__(self, config: Config, started: Callable[[], None]):
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks to end; with a second one nobody is waited for."""
        if self.should_exit:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        self.should_exit = True


def _log_to_stderr() -> None:
    """What the server has to say; what strangers send is counted, and not worth a line each."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(asctime)s %(message)s")
    logging.getLogger("cutaway.serve").setLevel(logging.INFO)


def _many_files() -> None:
    """As many connections as the system lets a process have."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
