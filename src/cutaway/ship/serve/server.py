"""Run a server until it is asked to stop."""

import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from uvicorn import Config

from cutaway.errors import UsageError
from cutaway.ship.serve.app import make_app
from cutaway.ship.serve.graceful import GracefulServer
from cutaway.ship.serve.protocol import limited_protocol
from cutaway.ship.serve.settings import Settings
from cutaway.ship.serve.swap import Load

BACKLOG = 4096
"""Number of connections that wait to be accepted."""
SOCKETS = 16
"""Number of listening sockets. Of a busy server uvloop accepts one connection a turn and socket,
and a turn answers all others: of 64 clients that come at once the last would wait for 64 turns."""


def serve(
    path: Path,
    load: Load,
    settings: Settings,
    host: str,
    port: int,
    on_started: Callable[[str], None],
) -> None:
    """Serve the network at a path until SIGINT or SIGTERM; requests in flight are still answered.

    Args:
        port: 0 for any that is free.
        on_started: called with the address once the server answers.

    Raises:
        UsageError: the port is taken, or nothing at `path` can be served.
    """
    run(lambda: make_app(path, load, settings), settings.timeout, host, port, on_started)


def run(
    make: Callable[[], FastAPI],
    timeout: float,
    host: str,
    port: int,
    on_started: Callable[[str], None],
) -> None:
    """Answer by an application, which is made once the port is ours, until SIGINT or SIGTERM.

    Args:
        timeout: seconds in which a request's head has to arrive.
        port, on_started: as for `serve`.

    Raises:
        UsageError: the port is taken.
    """
    with bind(host, port) as listener:
        app = make()
        _log_to_stderr()
        _raise_file_limit()
        config = Config(
            app, http=limited_protocol(timeout), ws="none", log_config=None,
            access_log=False,
            proxy_headers=False,  # anybody may write X-Forwarded-For
            backlog=BACKLOG, server_header=False,
            timeout_graceful_shutdown=int(2 * timeout) + 2,
        )  # fmt: skip
        address = listener.getsockname()
        GracefulServer(
            config, lambda: on_started(f"http://{_bracketed(address[0])}:{address[1]}")
        ).run([listener, *(listener.dup() for _ in range(SOCKETS - 1))])


@contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Open a listening socket at an address.

    Raises:
        UsageError: the port is taken or not ours, or the host is not this computer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port, "
                "or 0 for any that is free."
            ) from None
        yield listener


def _log_to_stderr() -> None:
    """Log to stderr; requests are counted by the metrics, and get no lines of their own."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(asctime)s %(message)s")
    logging.getLogger("cutaway.serve").setLevel(logging.INFO)


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets a process have."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
