"""A small HTTP server in the background of a training."""

import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, ClassVar

from cutaway.errors import UsageError

Answer = tuple[int, str, bytes]
"""Status, kind of content, content."""


class Server(ThreadingTCPServer):
    """Answers GET requests by a function of their path, each in a thread of its own.

    Raises:
        OSError: the address cannot be listened on.
    """

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, host: str, port: int, answer: Callable[[str], Answer]):
        self.answer = answer
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    def start(self) -> None:
        """Answer from now on; nobody waits for it at the end of the process."""
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more, and give the address back."""
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where who asked has gone; else a sentence, for training goes on."""
        error = sys.exception()
        if not isinstance(error, OSError):
            print(f"A request could not be answered: {error}.", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout: ClassVar[float] = 10  # seconds for it to arrive
    server: Server

    def do_GET(self) -> None:
        status, kind, content = self.server.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing of what went well."""


def read_address(text: str) -> tuple[str, int]:
    """`0.0.0.0:9464`, `[::1]:9464` or `9464` as a host and a port. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"An address is HOST:PORT, such as 0.0.0.0:9464, not '{text}'.")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
