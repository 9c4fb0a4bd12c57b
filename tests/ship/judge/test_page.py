"""The page in a real browser: somebody judges by key, click and touch, and sees the result."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import CHROMIUM, Page, opened
from helpers.server import Server
from PIL import Image

from cutaway.learn.judgements import FILE, read

READY = "about !== undefined && !busy"
SHOWN = "!$('judging').hidden && !busy && $('image').naturalWidth"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser: Page, server: Server) -> Page:
    browser.problems.clear()
    browser.requests.clear()
    browser.look(1280, dark=False)
    browser.open(server.url)
    browser.wait(READY)
    return browser


def press(page: Page, key: str) -> None:
    code = {"ArrowLeft": 37, "ArrowRight": 39}.get(key) or ord(key.upper())
    given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    page.call("Input.dispatchKeyEvent", type="keyDown", **given)
    page.call("Input.dispatchKeyEvent", type="keyUp", **given)
    page.wait("!busy")


def begin(page: Page) -> None:
    page.run("$('begin').click()")
    page.wait(SHOWN)


def test_a_visit_by_keyboard(page: Page, server: Server, run: Path):
    begin(page)
    keys = ["r", "D", "ArrowLeft", "ArrowRight", "x"]
    for i in range(20):
        press(page, keys[i % 4])
    press(page, "x")  # none of its keys
    (sitting,) = read(run / FILE).values()
    assert [one.real for one in sitting.answers] == [True, False] * 10
    assert all(one.ms is not None for one in sitting.answers)
    assert page.run("$('told').textContent") == ""  # nothing is told before the end
    assert page.run("!$('end').hidden")
    page.run("$('end').click()")
    page.wait("!$('result').hidden && !busy")
    judged = sitting.judged
    share = 100 * sum(one.right for one in judged) / len(judged)
    told, unit = page.run("$('share').textContent").split()
    assert float(told) == pytest.approx(share, abs=0.05 + 1e-9)  # 31.25 is rounded up there
    assert unit == "%"
    assert f"of {len(judged)} answers" in page.run("$('of').textContent")
    marks = page.run("$('scale').innerText")
    assert all(one in marks for one in ("guessing 50 %", "52.4 %", "78.7 %"))
    page.run("$('again').click()")
    page.wait(SHOWN)
    assert len(read(run / FILE)) == 2
    assert page.problems == []
    assert all(one.startswith((server.url, "data:", "blob:")) for one in page.requests)


def test_the_truth_is_not_in_the_browser(page: Page):
    """Neither what it was told, nor the addresses of images, nor its memory says what is real."""
    begin(page)
    press(page, "r")
    told = page.value("fetch(`sittings/${sitting.session}`).then((one) => one.text())")
    known = page.run("JSON.stringify([about, sitting, [...pictures.keys()]])")
    for words in (told, known):
        assert not any(one in words for one in ("kind", "scrambled", "right", "digits/"))
    assert all("drawn" not in one and "real" not in one for one in page.requests)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 500, 390])
def test_it_looks_as_it_should(
    page: Page, server: Server, tmp_path: Path, width: int, dark: bool
) -> None:
    """Nothing wider than the screen, the right colours, and both buttons on a phone's screen."""
    page.look(width, dark, 800)
    begin(page)
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("$('real').getBoundingClientRect().bottom") < 800
    assert page.run("$('drawn').getBoundingClientRect().height") >= 44  # a finger's breadth
    page.shoot(tmp_path / "shot.png")
    corner = Image.open(tmp_path / "shot.png").convert("L").getpixel((2, 2))
    assert corner < 60 if dark else corner > 220
    for _ in range(26):
        press(page, "d")
    page.wait("!$('result').hidden")
    assert page.run("document.documentElement.scrollWidth") <= width


def test_by_touch_on_a_phone(page: Page, run: Path):
    page.look(390, False, 800)
    begin(page)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True)
    box = page.run(
        "{const b = $('drawn').getBoundingClientRect(); [b.left + b.width / 2, b.top + 20]}"
    )
    point = [{"x": box[0], "y": box[1]}]
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=point)
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait("sitting.answered === 1 && !busy")
    page.call("Emulation.setTouchEmulationEnabled", enabled=False)
    (sitting,) = read(run / FILE).values()
    assert [one.real for one in sitting.answers] == [False]


def test_a_page_that_is_closed_goes_on(page: Page, server: Server, run: Path):
    begin(page)
    for key in "rdr":
        press(page, key)
    page.open("about:blank")
    page.open(server.url)
    page.wait(SHOWN)
    assert page.run("$('count').textContent") == "Image 4 of 26"
    press(page, "r")
    (sitting,) = read(run / FILE).values()
    assert len(sitting.answers) == 4


def test_a_server_that_is_gone_is_told_and_loses_nothing(browser: Page, run: Path):
    with Server(run, "--images", 20, command="judge") as server:
        browser.open(server.url)
        browser.wait(READY)
        begin(browser)
        press(browser, "r")
        server.stop(signal.SIGKILL)
    press(browser, "d")
    said = browser.wait("!$('error').hidden && $('problem').textContent")
    assert "The server does not answer." in said
    assert f"cutaway judge {run}" in said
    assert len(next(iter(read(run / FILE).values())).answers) == 1
    with Server(run, "--images", 20, "--port", server.port, command="judge"):
        browser.run("$('retry').click()")
        browser.wait("!busy && $('error').hidden && sitting.answered === 2")
        browser.wait(SHOWN)
    (sitting,) = read(run / FILE).values()
    assert [one.real for one in sitting.answers] == [True, False]
