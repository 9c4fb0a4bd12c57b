"""How a server ends, and what it does not begin with."""

import signal
import socket
from pathlib import Path
from shutil import copytree
from threading import Thread

import httpx
import pytest
from helpers.command import cutaway
from helpers.digits import digits
from helpers.server import BODY, HEAD, PICTURE, Serve, encoded, files, read_all
from helpers.waiting import eventually

from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run


@pytest.mark.parametrize(
    "by", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_what_is_in_flight_is_answered(serve: Serve, lenet: Run, by: int) -> None:
    server = serve(lenet.path)
    halfway = [server.socket() for _ in range(20)]
    idle = server.socket()
    for one in halfway:
        one.sendall(HEAD % len(BODY) + BODY[:-5])
    eventually(lambda: server.in_flight(20))
    server.process.send_signal(by)
    eventually(server.refuses)
    for one in halfway:
        one.sendall(BODY[-5:])
    for one in halfway:
        with one:
            assert read_all(one).startswith(b"HTTP/1.1 200")
    assert server.process.wait(30) == 0
    with idle:
        assert read_all(idle) == b""


@pytest.mark.slow
def test_a_stream_of_requests_does_not_keep_the_server_running(serve: Serve, lenet: Run) -> None:
    """Clients that ask again and again: each request is answered, or never taken."""
    server, answered, broken = serve(lenet.path), [], []

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while True:
                try:
                    answered.append(client.post("/predict", files=files(PICTURE)).status_code)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    broken.append(error)
                    return

    threads = [Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    eventually(lambda: len(answered) >= 16)
    assert server.stop() == 0
    for one in threads:
        one.join()
    assert set(answered) == {200}
    # a connection that was kept may be closed just when its client asks again
    assert len(broken) <= len(threads)
    assert all(isinstance(one, httpx.RemoteProtocolError | httpx.ReadError) for one in broken)


@pytest.mark.slow
def test_a_second_signal_ends_the_server_at_once(serve: Serve, lenet: Run) -> None:
    server = serve(lenet.path)
    with server.socket() as connection:
        connection.sendall(HEAD % len(BODY))
        eventually(lambda: server.in_flight(1))
        server.process.send_signal(signal.SIGINT)
        eventually(server.refuses)
        assert server.process.poll() is None
        assert server.stop(signal.SIGINT) == 0


def test_the_port_is_taken(lenet: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = cutaway("serve", lenet.path, "--port", port)
    assert (result.code, f"127.0.0.1:{port} cannot be listened on" in result.said) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 2, "neither a run, nor a fleet, nor an exported network"),
        (["{lenet}", "--host", "192.0.2.1"], 2, "cannot be listened on"),
        (["{lenet}", "--max-batch", "0"], 2, "--max-batch"),
        (["{lenet}", "--timeout", "-1"], 2, "--timeout"),
        (["{unfinished}"], 1, "has not finished: resume it with `cutaway resume"),
        (["{broken}"], 1, "weights.safetensors"),
        (["{vae}"], 2, "only what does is served"),
    ],
    ids=["no run", "no host", "no batch", "no time", "unfinished", "broken", "vae"],
)
def test_what_is_not_served(
    lenet: Run, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    places = {"lenet": lenet.path, "unfinished": tmp_path / "u", "broken": tmp_path / "b"}
    places["vae"] = tmp_path / "vae"
    wanted = [name for name in places if f"{{{name}}}" in arguments]
    if "unfinished" in wanted:
        copytree(lenet.path, places["unfinished"])
        (places["unfinished"] / "results.json").unlink()
    if "broken" in wanted:
        copytree(lenet.path, places["broken"])
        (places["broken"] / "weights.safetensors").write_bytes(b"nothing")
    if "vae" in wanted:
        recipe = Recipe(model="vae", task="variational", data="own:digits", epochs=1)
        fit(recipe, digits(64, size=8), out=places["vae"])
    result = cutaway("serve", *(one.format(**places) for one in arguments), "--port", 0)
    assert (result.code, words in result.said) == (code, True), result


def test_a_large_picture_is_answered(serve: Serve, lenet: Run) -> None:
    server = serve(lenet.path, "--max-megapixels", 0.05)
    large = encoded(digits(1, size=240).images[0, ..., 0].numpy())
    assert server.predict(large).status_code == 413
    assert server.predict(PICTURE).status_code == 200
