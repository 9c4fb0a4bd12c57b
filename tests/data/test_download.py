import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helpers.pictures import encoded, image

from cutaway.data import download
from cutaway.data.catalog import Remote, Source
from cutaway.data.download import fetch
from cutaway.errors import DataError

CONTENT = bytes(range(256)) * 4000
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Serves `content` with ranges; `cut` bytes and no more in the first `deaths` answers."""

    daemon_threads = True
    content, cut, deaths, ranges = CONTENT, 1 << 18, 0, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        if not self.server.content:
            self.send_error(503)
            return
        match = re.fullmatch(r"bytes=(\d+)-", asked) if self.server.ranges else None
        start = int(match[1]) if match else 0
        body = self.server.content[start:]
        if match and not body:
            self.send_error(416)
            return
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.deaths:
            self.server.deaths -= 1
            body = body[: self.server.cut]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def serve() -> Iterator[Callable[[], Server]]:
    servers = []

    def start() -> Server:
        server = Server()
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def source(*urls: str, known: str | None = HASH, name: str = "toy") -> Source:
    files = (Remote("data.bin", urls, known),)
    return Source(name, "A toy", 2, 4, "CC0", "http://toy", 1.0, files)


def quiet(_: str) -> None:
    pass


DOWN = "http://127.0.0.1:9/data.bin"  # the port of `discard`, where nobody listens


def test_a_file_is_downloaded_once_and_its_licence_told(serve, own_cache: Path) -> None:
    server, said = serve(), []
    place = fetch(source(server.url), said.append)
    assert (place / "data.bin").read_bytes() == CONTENT
    assert said == ["Downloading toy, 1 MB: A toy. Licence: CC0."]
    assert fetch(source(server.url), said.append) == place
    assert len(server.asked) == len(said) == 1
    assert [path.name for path in place.iterdir()] == ["data.bin"]


def test_the_licence_is_told_on_standard_error(serve, capsys) -> None:
    fetch(source(serve().url))
    captured = capsys.readouterr()
    assert "Licence: CC0" in captured.err
    assert captured.out == ""


def test_mirrors_are_tried_in_turn(serve) -> None:
    broken, wrong, right = serve(), serve(), serve()
    broken.content, wrong.content = b"", b"something else" * 99
    place = fetch(source(DOWN, broken.url, wrong.url, right.url), quiet)
    assert (place / "data.bin").read_bytes() == CONTENT
    assert len(broken.asked) == len(wrong.asked) == 1


def test_a_download_that_dies_goes_on_at_the_next_mirror(serve) -> None:
    first, second = serve(), serve()
    first.deaths = 1
    fetch(source(first.url, second.url), quiet)
    assert second.asked == ["bytes=262144-"]


def test_an_interrupted_download_goes_on_next_time(serve) -> None:
    server = serve()
    server.deaths = 2
    for _ in range(2):
        with pytest.raises(DataError, match=r"toy cannot be downloaded: .*broke off.*is kept"):
            fetch(source(server.url), quiet)
    place = fetch(source(server.url), quiet)
    assert server.asked == ["", "bytes=262144-", "bytes=524288-"]
    assert (place / "data.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(serve) -> None:
    server = serve()
    server.deaths, server.ranges = 1, False
    with pytest.raises(DataError):
        fetch(source(server.url), quiet)
    assert (fetch(source(server.url), quiet) / "data.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("length", [100, len(CONTENT), len(CONTENT) + 5])
def test_what_was_there_but_does_not_belong_is_dropped(serve, own_cache, length: int) -> None:
    server = serve()
    part = own_cache / "downloads" / ".toy.coming" / "data.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * length)
    assert (fetch(source(server.url), quiet) / "data.bin").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_not_downloaded_again(serve, own_cache: Path) -> None:
    server = serve()
    part = own_cache / "downloads" / ".toy.coming" / "data.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    fetch(source(server.url), quiet)
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_where_every_mirror_fails_each_reason_is_given(serve) -> None:
    broken, wrong = serve(), serve()
    broken.content, wrong.content = b"", b"x"
    with pytest.raises(DataError) as error:
        fetch(source(DOWN, broken.url, wrong.url), quiet)
    for said in ("no connection", "answers 503", "its checksum differs", "CUTAWAY_DATA"):
        assert said in str(error.value)
    assert not source(DOWN).available


def test_archives_without_a_checksum_are_never_joined(serve, own_cache: Path) -> None:
    server = serve()
    server.deaths = 1
    with pytest.raises(DataError):
        fetch(source(server.url, known=None), quiet)
    fetch(source(server.url, known=None), quiet)
    assert server.asked == ["", ""]


def test_the_bar_is_shown_on_a_terminal(serve, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    fetch(source(serve().url), quiet)
    assert "data.bin" in capsys.readouterr().err


def archive(names: list[str], content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(name, content)
    return packed.getvalue()


PHOTO = encoded(image(8, 8), "JPEG")
INSIDE = [f"repo-main/data/{kind}/{kind}_s69-{i}.jpg" for kind in ("Basalt", "Highland")
          for i in range(60)]  # fmt: skip


def test_rocks_are_taken_out_of_the_archive(serve, own_cache: Path) -> None:
    server = serve()
    outside = ["../../evil.jpg", "repo-main/data/Basalt/../../../evil.jpg", "repo-main/other.ipynb"]
    server.content = archive(INSIDE + outside, PHOTO)
    place = fetch(source(server.url, known=None, name="rocks"), quiet)
    assert sorted(path.name for path in place.iterdir()) == ["Basalt", "Highland"]
    assert len(list(place.rglob("*.jpg"))) == 120
    assert not list(own_cache.rglob("evil*"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "not a valid archive"),
        (archive(INSIDE[:50], PHOTO), "hold 50 photographs"),
        (archive(INSIDE, b"<html>"), "is not a photograph"),
    ],
    ids=["no archive", "too few", "no photograph"],  # an archive holds the time it was made at
)
def test_what_is_not_the_rocks_is_refused(serve, content: bytes, said: str) -> None:
    server = serve()
    server.content = content
    with pytest.raises(DataError, match=said):
        fetch(source(server.url, known=None, name="rocks"), quiet)
    server.content = archive(INSIDE, PHOTO)
    assert fetch(source(server.url, known=None, name="rocks"), quiet).is_dir()


def test_a_slow_mirror_times_out(serve, monkeypatch) -> None:
    monkeypatch.setattr(download, "WAIT", (0.2, 0.2))
    server = serve()
    gate = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: gate.wait(5))
    with pytest.raises(DataError, match=r"stopped sending"):
        fetch(source(server.url), quiet)
    gate.set()
