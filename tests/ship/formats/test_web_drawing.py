"""Digits that somebody draws on a page are framed as those that its network learned from."""

import os
from collections.abc import Iterator
from math import cos, pi, sin
from pathlib import Path

import pytest
from helpers.browser import Page, opened
from helpers.web_pages import browsing, ready

from cutaway import recipes
from cutaway.learn.fit import fit
from cutaway.learn.loading import load_for
from cutaway.ship.formats import web
from cutaway.ship.shipment import Shipment

Line = list[tuple[float, float]]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Line:
    """Part of an ellipse, in degrees clockwise from the right."""
    steps = max(4, int(abs(end - start) / 15))
    angles = [(start + (end - start) * i / steps) * pi / 180 for i in range(steps + 1)]
    return [(x + rx * cos(a), y + ry * sin(a)) for a in angles]


STROKES: dict[str, list[Line]] = {
    "0": [arc(0.5, 0.5, 0.2, 0.33, -90, 270)],
    "1": [[(0.4, 0.3), (0.52, 0.17), (0.52, 0.84)]],
    "2": [[*arc(0.5, 0.34, 0.18, 0.17, -170, 40), (0.33, 0.82), (0.7, 0.82)]],
    "3": [[*arc(0.48, 0.33, 0.18, 0.16, -150, 90), *arc(0.48, 0.66, 0.2, 0.17, -90, 150)]],
    "4": [[(0.42, 0.16), (0.3, 0.56), (0.72, 0.56)], [(0.6, 0.34), (0.58, 0.86)]],
    "5": [[(0.66, 0.17), (0.38, 0.17), (0.36, 0.46), *arc(0.48, 0.63, 0.19, 0.19, -110, 150)]],
    "6": [[(0.6, 0.15), (0.42, 0.38), *arc(0.5, 0.66, 0.17, 0.18, -170, 190)]],
    "7": [[(0.3, 0.18), (0.7, 0.18), (0.46, 0.85)]],
    "8": [[*arc(0.5, 0.33, 0.15, 0.15, 90, 450), *arc(0.5, 0.67, 0.18, 0.18, -90, 270)]],
    "9": [[*arc(0.5, 0.34, 0.17, 0.17, 0, 360), (0.66, 0.5), (0.6, 0.85)]],
}
AWAY = 0.55
"""Size of a digit that is drawn small and in a corner."""


def corner(line: Line) -> Line:
    return [(0.42 + AWAY * x, 0.4 + AWAY * y) for x, y in line]


@pytest.fixture(scope="module", params=["digits", "mnist"])
def page(
    request: pytest.FixtureRequest, npm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page of a LeNet-5 that learned from one of two sets of digits, framed otherwise."""
    if request.param == "mnist" and not os.environ.get("CUTAWAY_DATA"):
        pytest.skip("CUTAWAY_DATA does not name a folder with MNIST")
    recipe = recipes.starting_point("lenet5", request.param)
    recipe = recipe.override(epochs=1 if request.param == "mnist" else recipe.epochs)
    folder = tmp_path_factory.mktemp(request.param)
    run = fit(recipe, load_for(recipe, request.param), out=folder / "run")
    web.write(Shipment.of(run, runtime=str(npm)), folder / "web")
    with opened(folder) as browser_page:
        browser_page.look(1200, dark=False)
        ready(browser_page, folder / "web")
        yield browser_page


@browsing
@pytest.mark.parametrize("where", ["middle", "corner"])
def test_drawn_digits_are_known(page: Page, where: str) -> None:
    """Of ten nine are right on either set, wherever they are drawn and however large."""
    wrong = {}
    for digit, lines in STROKES.items():
        page.run("$('clear').click()")
        for line in lines:
            page.draw(*(corner(line) if where == "corner" else line))
        page.wait("!$('answer').hidden")
        if (told := page.run("$('label').textContent")) != digit:
            wrong[digit] = told
    assert len(wrong) <= 1, wrong
