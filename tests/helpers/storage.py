"""An S3 server on the loopback, and a proxy before it that is slow, refuses and breaks off."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "key-of-the-tests", "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}  # fmt: skip


@dataclass
class Faults:
    """What a proxy does to the requests that it passes on.

    Attributes:
        delay: seconds before each.
        rule: for a request's line what happens to it: nothing, `503`, `403`, `drop` (no answer),
            `cut` (half of the answer) or `damage` (one byte of the answer changed).
        seen: the line of each request.
    """

    delay: float = 0.0
    rule: Callable[[str], str] = lambda line: ""
    seen: list[str] = field(default_factory=list)

    def first(self, count: int, what: str, word: str = "") -> None:
        """Let a fault happen to the first requests whose line has a word in it."""
        left = [count]

        def rule(line: str) -> str:
            if word in line and left[0]:
                left[0] -= 1
                return what
            return ""

        self.rule = rule

    def gets(self, word: str = "") -> int:
        """Number of files that were asked for."""
        return sum(line.startswith("GET") and word in line for line in self.seen)


@dataclass
class Bucket:
    """A bucket behind a proxy, and its files as they are without one."""

    client: Any
    faults: Faults
    endpoint: str

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket="bucket", Key=name, Body=content)

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket="bucket", Key=name)["Body"].read()

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket="bucket", Key=name)

    def names(self, below: str = "") -> list[str]:
        found = self.client.list_objects_v2(Bucket="bucket", Prefix=below)
        return [one["Key"] for one in found.get("Contents", ())]

    def calm(self) -> None:
        """No faults any more, and nothing seen."""
        self.faults.delay, self.faults.rule = 0.0, lambda line: ""
        self.faults.seen.clear()


@contextmanager
def bucket() -> Iterator[Bucket]:
    """`s3://bucket` on the loopback, which everything in this process and its children uses."""
    boto3, s3fs = pytest.importorskip("boto3"), pytest.importorskip("s3fs")
    faults = Faults()
    with pytest.MonkeyPatch.context() as patch, s3_server() as port, proxy(port, faults) as front:
        endpoint = f"http://127.0.0.1:{front}"
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint, "CUTAWAY_PATIENCE": "2"}.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()  # one may know the server of another test
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        client.create_bucket(Bucket="bucket")
        yield Bucket(client, faults, endpoint)
        s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def s3_server() -> Iterator[int]:
    """moto's server in a process of its own; the port."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def proxy(port: int, faults: Faults) -> Iterator[int]:
    """A proxy before a server, in a thread; the port."""
    started: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = SimpleQueue()

    async def serve() -> None:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _connection(reader, writer, port, faults)

        server, end = await asyncio.start_server(one, "127.0.0.1", 0), asyncio.Event()
        own = server.sockets[0].getsockname()[1]
        started.put((asyncio.get_running_loop(), end, own))
        await end.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, end, own = started.get(timeout=10)
    try:
        yield own
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)


async def _connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, faults: Faults
) -> None:
    """Pass on the requests of one connection, each over one of its own."""
    try:
        while head := await _head(reader):
            line = head.split(b"\r\n", 1)[0].decode()
            if b"100-continue" in head.lower():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(_length(head))
            faults.seen.append(line)
            what = faults.rule(line)
            await asyncio.sleep(faults.delay)
            if what.isdecimal():
                answer = f"HTTP/1.1 {what} Slow Down\r\nContent-Length: 0\r\n\r\n".encode()
            elif what == "drop":
                return
            else:
                answer = await _forward(head, body, port)
            writer.write(_harmed(answer, what))
            await writer.drain()
            if what == "cut":
                return
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


def _harmed(answer: bytes, what: str) -> bytes:
    head, gap, body = answer.partition(b"\r\n\r\n")
    if what == "cut":
        return head + gap + body[: len(body) // 2]
    if what == "damage" and body:
        middle = len(body) // 2
        return head + gap + body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    return answer


async def _forward(head: bytes, body: bytes, port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [line for line in head.split(b"\r\n") if line and not _hop(line)]
        writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
        answer = await reader.read()
        head, gap, content = answer.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not _hop(line)]
        return b"\r\n".join(lines) + gap + content
    finally:
        writer.close()


def _hop(line: bytes) -> bool:
    return line.lower().startswith((b"connection:", b"expect:"))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    lines = (line.lower() for line in head.split(b"\r\n"))
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("moto's server does not answer")
