"""`cutaway serve`, or `judge`, in a process of its own, on a free port, asked over real sockets."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from helpers.digits import digits


class Server:
    """A server's process.

    Attributes:
        url, port: where it answers.
        client: keeps connections to it.
    """

    def __init__(self, path: Path, *options: object, command: str = "serve"):
        self._command = [sys.executable, "-W", "error", "-m", "cutaway", command, str(path)]
        self._command += ["--port", "0", *map(str, options)]
        self._log = tempfile.NamedTemporaryFile(suffix=".log")  # noqa: SIM115

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self.process.stdout
        words = self.process.stdout.readline().split()
        assert words, self.log
        self.url = words[-1]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        return self

    def __exit__(self, *given: object) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        said = self.log
        self._log.close()
        assert "Traceback" not in said, said
        assert "A fault of ours" not in said, said

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text()

    def stop(self, by: int = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(by)
        return self.process.wait(60)

    def predict(self, *pictures: bytes) -> httpx.Response:
        return self.client.post("/predict", files=files(*pictures))

    def metric(self, name: str) -> float:
        """The value of a line of `/metrics`; 0 where it was never counted."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(name)), 0.0)

    def in_flight(self, requests: int) -> bool:
        """Whether so many requests have begun and not ended."""
        return self.metric("cutaway_requests_in_flight") == requests

    def refuses(self) -> bool:
        """Whether it takes no further connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    def socket(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def size(self) -> tuple[int, int, int]:
        """Resident bytes, open files and threads of the process."""
        about = Path(f"/proc/{self.process.pid}")
        pages = int((about / "statm").read_text().split()[1])
        threads = len(os.listdir(about / "task"))
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(about / "fd")), threads


def files(*pictures: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    """Pictures as a form's files."""
    return [("images", (f"{i}.png", one)) for i, one in enumerate(pictures)]


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    """A picture's pixels as a file's content."""
    file = BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, kind)
    return file.getvalue()


def in_json(*pictures: bytes) -> dict[str, list[str]]:
    return {"images": [base64.b64encode(one).decode() for one in pictures]}


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def read_one(connection: socket.socket) -> bytes:
    """One answer, as long as it says."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(65536)
    head, _, body = found.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


Serve = Callable[..., Server]


PICTURE = encoded(digits(1, size=32).images[0, ..., 0].numpy())
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
BODY = json.dumps(in_json(PICTURE)).encode()
