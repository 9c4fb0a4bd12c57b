"""Open the studio: a server on this computer until Ctrl-C."""

import secrets
import socket
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from uvicorn import Config

from cutaway.errors import UsageError
from cutaway.ship.serve.graceful import GracefulServer
from cutaway.studio.hub import Hub
from cutaway.studio.offers import checked_start
from cutaway.studio.server import LARGEST, make_app

HOST, PORT, TRIED = "127.0.0.1", 8600, 20
"""Where it listens: the first of so many ports that is free."""


def studio(
    runs: Sequence[Path], start: tuple[str, str] | None, port: int | None, browser: bool,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Serve the studio until SIGINT or SIGTERM; a training that is at work stops at a checkpoint.

    Args:
        runs: one run or fleet, to be looked at or gone on with; or two runs beside each other.
        start: a model and data to begin with, paused before the first step.
        port: None for the first that is free.
        browser: whether to open the page.

    Raises:
        UsageError: no port is free, or the names are unknown.
    """
    own = (start[1],) if start else ()
    hub, token = Hub(own), secrets.token_urlsafe(18)
    if start:
        job = {"model": start[0], "data": start[1], "fields": {}, "paused": True}
        checked_start(job, own)

    async def begin() -> None:
        if runs:
            await hub.open(*runs)
        elif start:
            await hub.start({"start": job})

    with listening(port, say) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
        config = Config(
            make_app(hub, token, begin), log_level="error", access_log=False, ws_max_size=LARGEST,
            timeout_graceful_shutdown=2,
        )  # fmt: skip

        def started() -> None:
            say(f"The studio: {address}")
            if browser:
                webbrowser.open(address)

        GracefulServer(config, started).run([listener])


def listening(port: int | None, say: Callable[[str], None]) -> socket.socket:
    """A socket at the port, or at the first that is free. Raises UsageError where none is."""
    wanted = range(PORT, PORT + TRIED) if port is None else [port]
    for one in wanted:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, one))
            listener.listen()
        except OSError:
            listener.close()
            continue
        if port is None and one != PORT:
            say(f"Port {PORT} is in use: taking {one}.")
        return listener
    raise UsageError(
        f"Port {wanted[0]} is in use: choose another --port." if port is not None else
        f"Ports {PORT} to {PORT + TRIED - 1} are all in use: choose another --port."
    )  # fmt: skip
