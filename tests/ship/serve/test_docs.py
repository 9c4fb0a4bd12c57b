"""`/docs` in a real browser, with nothing from elsewhere."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from helpers.browser import CHROMIUM, Page, opened
from helpers.server import Server

HERE = find_spec("fastapi_offline") is not None


@pytest.mark.skipif(not HERE, reason="fastapi-offline is not installed")
def test_every_file_of_the_page_comes_from_the_server(running: Server) -> None:
    response = running.client.get("/docs")
    assert response.status_code == 200
    assert "http://" not in response.text
    assert "https://" not in response.text
    for name, kind in (("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "javascript")):
        part = running.client.get(f"/docs/{name}")
        assert part.status_code == 200
        assert kind in part.headers["content-type"]
        assert f"docs/{name}" in response.text


def test_the_reference_has_no_other_files_and_says_what_is_missing(running: Server) -> None:
    for name in ("favicon.png", "..%2f__init__.py"):
        assert running.client.get(f"/docs/{name}").status_code == 404
    if not HERE:
        assert "cutaway[serve]" in running.client.get("/docs").json()["error"]
    assert all(not path.startswith("/docs") for path in schema(running)["paths"])


def schema(running: Server) -> dict:
    return running.client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(tmp_path_factory.mktemp("browser")) as browser_page:
        yield browser_page


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and HERE), reason="needs Chromium and fastapi-offline")
def test_a_browser_shows_every_route(page: Page, running: Server) -> None:
    page.look(1280, False)
    page.open(f"{running.url}/docs")
    page.wait("document.querySelectorAll('.opblock').length > 0")
    paths = "[...document.querySelectorAll('.opblock-summary-path')].map((o) => o.dataset.path)"
    assert set(page.run(paths)) == set(schema(running)["paths"])
    assert page.problems == []
    assert all(one.startswith((running.url, "data:")) for one in page.requests)
