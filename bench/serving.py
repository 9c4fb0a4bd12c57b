"""`cutaway serve` beside LitServe and plain FastAPI routes, and beside the bare network.

python -m bench.serving [lenet5 resnet20] [--rounds 5] [--seconds 2.5]

The same ONNX file by onnxruntime behind each server, the same request (one picture of 32 x 32 in
JSON), kept connections. In each round every server is loaded in turn by 1, 16 and 64 clients, and
the bare network is called with one picture, with as many threads as Cutaway's has and with all. The
clients share the processor with the server, as the peers' do; they are bare sockets in one process,
so that they take little of it.
"""

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import numpy as np
from PIL import Image

from bench.kept import HERE, earlier, keep, publish, table
from bench.servers.load import load
from bench.tables import figure, middle, ratio
from cutaway import api
from cutaway.processes import processor
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats import open_exported
from cutaway.ship.formats.onnx_file import read
from cutaway.ship.serve.engine import threads

SERVERS = {
    "cutaway": ("Cutaway", ["-m", "cutaway", "serve", "{model}", "--port", "{port}"]),
    "litserve": ("LitServe", ["-m", "bench.servers.litserve", "{model}", "{port}"]),
    "route": ("FastAPI, `def`", ["-m", "bench.servers.fastapi", "{model}", "{port}"]),
    "inline": ("FastAPI, `async def`", ["-m", "bench.servers.fastapi", "{model}", "{port}", "x"]),
}
BARE = ("bare as served", "bare")
"""Calls of the network itself: with as many threads as Cutaway's server gives it, and with all."""
CLIENTS = (1, 16, 64)
CALLS = 300
"""Of the bare network, a round."""

Round = dict[str, dict[str, Any]]


def model(name: str, folder: Path) -> Path:
    """The network, which has seen some digits, as ONNX; what it learned does not matter here."""
    run = api.fit(name, "digits", image_size=32, epochs=1, out=folder / name, progress=False)
    return api.export(run, "onnx", out=folder / f"{name}.onnx")[0].path


def picture() -> np.ndarray:
    """A real digit, enlarged."""
    from sklearn.datasets import load_digits

    small = Image.fromarray((load_digits().images[0] * 15.9).astype("uint8"))
    return np.asarray(small.resize((32, 32), Image.Resampling.BICUBIC))


def request() -> bytes:
    """The picture as PNG in base64 in JSON in HTTP."""
    file = BytesIO()
    Image.fromarray(picture()).save(file, "PNG")
    body = json.dumps({"images": [base64.b64encode(file.getvalue()).decode()]}).encode()
    head = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return b"POST /predict HTTP/1.1\r\n" + head.encode() + body


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(name: str, model: Path) -> Iterator[int]:
    """A server in a process of its own; its port."""
    port = free_port()
    words = [word.format(model=model, port=port) for word in SERVERS[name][1]]
    command = [sys.executable, *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            _wait(port, process)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # LitServe's workers outlive it otherwise


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise SystemExit("A server did not start: see its words above.")


def bare(network: ExportedModel) -> dict[str, float]:
    """Milliseconds of a call with one picture."""
    pixels, times = picture()[None, ..., None], []
    for _ in range(CALLS):
        began = perf_counter()
        network.answer(pixels)
        times.append(1e3 * (perf_counter() - began))
    return {"p50": float(np.median(times)), "p99": float(np.quantile(times, 0.99))}


def compared(name: str, rounds: int, seconds: float) -> list[Round]:
    """All servers in turn, those that are not loaded being idle."""
    found = []
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path, asked = model(name, Path(folder)), request()
        calls = dict(zip(BARE, (read(path, threads()), open_exported(path)), strict=True))
        ports = {server: stack.enter_context(running(server, path)) for server in SERVERS}
        for port in ports.values():
            load(port, asked, 16, 1.0)
        for _ in range(rounds):
            row: Round = {which: bare(network) for which, network in calls.items()}
            for server, port in ports.items():
                row[server] = {str(n): load(port, asked, n, seconds) for n in CLIENTS}
            found.append(row)
            print(name, json.dumps(row), flush=True)
    return found


def of(clients: int, what: str) -> Any:
    return lambda one: one.get(str(clients), {}).get(what)


def rates(works: dict[str, list[Round]]) -> str:
    """Answers a second at 16 and 64 clients, and how many times as many ours are."""
    lines = []
    for work, rows in works.items():
        for n in CLIENTS[1:]:
            cells = [f"{figure(middle(rows, 'cutaway', of(n, 'rate')))}"]
            for peer in list(SERVERS)[1:]:
                own = figure(middle(rows, peer, of(n, "rate")))
                cells.append(f"{own}; {ratio(rows, peer, of(n, 'rate'))}")
            lines.append([f"{work}, {n} clients", *cells])
    return table(["answers a second", *(title for title, _ in SERVERS.values())], lines)


def delays(works: dict[str, list[Round]]) -> str:
    """Milliseconds from asking to the whole answer."""
    lines = []
    for work, rows in works.items():
        for n in CLIENTS:
            cells = [
                " / ".join(figure(middle(rows, name, of(n, what))) for what in ("p50", "p99"))
                for name in SERVERS
            ]
            alone = [figure(middle(rows, which, lambda one: one.get("p50"))) for which in BARE]
            cells.append(" / ".join(alone) if n == 1 else "")
            lines.append([f"{work}, {n} client{'s' * (n > 1)}", *cells])
    head = ["p50 / p99 in ms", *(title for title, _ in SERVERS.values()), "bare call"]
    return table(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=["lenet5", "resnet20"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each load")
    asked = parser.parse_args()
    works = earlier("serving").get("works", {})
    for name in asked.works:
        works[name] = compared(name, asked.rounds, asked.seconds)
        keep("serving", about={"processor": processor()}, works=works)
    text = f"{rates(works)}\n\n{delays(works)}"
    print(text)
    publish("serving", text, HERE.parent / "docs" / "shipping.md")


if __name__ == "__main__":
    main()
