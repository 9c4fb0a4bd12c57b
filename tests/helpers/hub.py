"""As much of the Hugging Face hub as a download asks for, in this process."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers for some repositories, all of which have the same files."""

    def __init__(self, repositories: tuple[str, ...], files: dict[str, bytes], *request: object):
        self.repositories, self.files = repositories, files
        super().__init__(*request)

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, whole):
        repository, _, name = self.path[1:].partition("/resolve/main/")
        known = repository in self.repositories
        body = self.files.get(name) if known else None
        self.send_response(404 if body is None else 200)
        if body is None:
            self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if whole and body:
            self.wfile.write(body)

    def log_message(self, *_):
        """Silence."""


@contextmanager
def serving(
    cache: Path, monkeypatch: pytest.MonkeyPatch, *repositories: str
) -> Iterator[dict[str, bytes]]:
    """The library downloads from a server in this process, into a cache of the test's own.

    Gives the files that each of the repositories has, by name; they may be added later.
    """
    constants = pytest.importorskip("huggingface_hub.constants")
    files: dict[str, bytes] = {}
    handler = partial(Hub, repositories, files)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
