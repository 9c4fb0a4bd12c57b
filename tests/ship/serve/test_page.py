"""The page in a real browser: somebody draws, drops, and sees an answer and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import CHROMIUM, Page, opened
from helpers.digits import digits
from helpers.server import Serve, Server, encoded
from PIL import Image

from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer"),
]
SEVEN = ((0.25, 0.25), (0.45, 0.24), (0.72, 0.25), (0.6, 0.5), (0.5, 0.8))
READY, ANSWERED = "$('curl').textContent", "!$('why').hidden"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(tmp_path_factory.mktemp("browser")) as browser_page:
        yield browser_page


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_drawing_is_answered(
    page: Page, running: Server, lenet: Run, tmp_path: Path, width: int, dark: bool
) -> None:
    page.look(width, dark)
    page.open(running.url)
    page.wait(READY)
    page.draw(*SEVEN)
    page.wait(ANSWERED)
    labels = page.run("[...document.querySelectorAll('#top .name')].map((one) => one.textContent)")
    assert len(set(labels)) == 5
    assert set(labels) <= set(lenet.data.classes)
    assert page.run("$('label').textContent") == labels[0]
    assert page.run("[$('seen').width, $('heat').height]") == [32, 32]
    colours = "new Set($('heat').getContext('2d').getImageData(0, 0, 32, 32).data).size"
    assert page.run(colours) > 20  # a map, and not one colour
    assert page.run("document.documentElement.scrollWidth") <= width
    page.shoot(tmp_path / "shot.png")
    corner = Image.open(tmp_path / "shot.png").convert("L").getpixel((2, 2))
    assert corner < 60 if dark else corner > 220
    page.run("$('clear').click()")
    assert page.run("$('answer').hidden && $('why').hidden")
    assert page.problems == []
    assert all(one.startswith((running.url, "data:")) for one in page.requests)


def test_a_file_is_answered_as_by_predict(
    page: Page, running: Server, lenet: Run, tmp_path: Path
) -> None:
    for i, pixels in enumerate(digits(5, size=32).images[..., 0].numpy()):
        file = tmp_path / f"{i}.png"
        file.write_bytes(encoded(pixels))
        page.open(running.url)
        page.wait(READY)
        page.choose(file)
        page.wait(ANSWERED)
        assert page.run("$('label').textContent") == lenet.predict(file)[0].label


def test_what_cannot_be_read_is_said(page: Page, running: Server, tmp_path: Path) -> None:
    file = tmp_path / "no.png"
    file.write_text("not a picture")
    page.open(running.url)
    page.wait(READY)
    page.choose(file)
    said = page.wait("!$('error').hidden && $('error').textContent")
    assert "not a picture" in said
    assert page.run("$('answer').hidden")


def test_names_are_text_and_colour_is_not_drawn(page: Page, serve: Serve, tmp_path: Path) -> None:
    """Classes may be called anything, and who learned from colour is not drawn for in grey."""
    images = digits(200, size=16)
    hostile = tuple(f"<img src=x onerror=alert({i})> a class with a long name" for i in range(10))
    colour = type(images)(images.images.repeat(1, 1, 1, 3), images.targets, hostile, images.names)
    run = fit(Recipe(model="mlp", data="own:x", epochs=1), colour, out=tmp_path / "run")
    server, file = serve(run.path), tmp_path / "one.png"
    file.write_bytes(encoded(colour.images[0].numpy()))
    page.problems.clear()
    page.look(390, dark=False)
    page.open(server.url)
    page.wait(READY)
    assert page.run("$('drawing').hidden")
    page.choose(file)
    page.wait(ANSWERED)
    assert page.run("$('label').textContent") in hostile
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.problems == []
