"""Clients that ask without pause: bare sockets, since they share the processor with the server."""

import asyncio
from time import perf_counter


class Client(asyncio.Protocol):
    """Sends the same request again as soon as it was answered."""

    def __init__(self, request: bytes, until: float):
        self.request, self.until = request, until
        self.times: list[float] = []
        self.failed = 0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        self.left, self.began = -1, perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.left < 0:
            head, _, body = data.partition(b"\r\n\r\n")
            length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            self.failed += not head.startswith(b"HTTP/1.1 200")
            self.left = int(length) - len(body)
        else:
            self.left -= len(data)
        if self.left <= 0:
            self._answered()

    def _answered(self) -> None:
        now = perf_counter()
        self.times.append(now - self.began)
        if now < self.until:
            self._ask()
        else:
            self.transport.close()
            self.over.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(error or ConnectionError("the server closed"))


async def _load(port: int, request: bytes, clients: int, seconds: float) -> list[float]:
    loop, until = asyncio.get_running_loop(), perf_counter() + seconds
    made = [
        (await loop.create_connection(lambda: Client(request, until), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    await asyncio.gather(*(one.over for one in made))
    assert not any(one.failed for one in made), "a request was refused"
    return [time for one in made for time in one.times]


def load(port: int, request: bytes, clients: int, seconds: float) -> dict[str, float]:
    """Answers a second, and the median and the 99th percentile of their milliseconds."""
    import uvloop

    began = perf_counter()
    times = sorted(uvloop.run(_load(port, request, clients, seconds)))
    wall = perf_counter() - began
    at = (len(times) // 2, int(0.99 * len(times)))
    return {"rate": len(times) / wall, "p50": 1e3 * times[at[0]], "p99": 1e3 * times[at[1]]}
