"""A small server answers by a function of the path, and lets its port go."""

import socket

import httpx
import pytest

from cutaway.errors import UsageError
from cutaway.learn.background_server import Server, read_address


def test_it_answers_until_it_is_stopped(capfd):
    def answer(path):
        if path == "/broken":
            raise ValueError("no such thing")
        return 200, "text/plain", path.encode()

    server = Server("127.0.0.1", 0, answer)
    server.start()
    assert httpx.get(f"{server.url}/a?b=c", trust_env=False).text == "/a"
    assert httpx.post(f"{server.url}/a", trust_env=False).status_code == 501
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/broken", trust_env=False)
    assert "A request could not be answered: no such thing." in capfd.readouterr().err
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/a", trust_env=False)
    again = Server("127.0.0.1", server.server_address[1], answer)  # at once
    again.server_close()


def test_who_asks_and_goes_is_no_reason_for_words(capfd):
    server = Server("127.0.0.1", 0, lambda path: (200, "text/plain", b"x" * 10_000_000))
    server.start()
    for _ in range(5):
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert httpx.get(server.url, trust_env=False).status_code == 200
    server.stop()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0.0.0.0:9464", "0.0.0.0", 9464),
        ("9464", "127.0.0.1", 9464),
        (":0", "127.0.0.1", 0),
        ("[::1]:80", "::1", 80),
        ("metrics.local:65535", "metrics.local", 65535),
    ],
)
def test_an_address_is_read(text, host, port):
    assert read_address(text) == (host, port)


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "a:-1", "a:65536", "a:８０"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match="An address is HOST:PORT"):
        read_address(text)
