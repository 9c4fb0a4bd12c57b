"""The report in a real browser: nothing sticks out on a phone, and both themes are drawn."""

import html
import re
from pathlib import Path

import pytest
from helpers.browser import CHROMIUM, PHONE, chromium, opened
from helpers.report_runs import Made
from helpers.task_runs import KINDS, Runs
from PIL import Image

from cutaway.show.report import report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer"),
]


@pytest.mark.parametrize("name", ["digits_run", "bare_run", "many_run", *KINDS])
def test_no_wider_than_a_phone(
    name: str, request: pytest.FixtureRequest, runs: Runs, tmp_path: Path
) -> None:
    run, images = runs(name) if name in KINDS else request.getfixturevalue(name)
    frame = tmp_path / "frame.html"
    frame.write_text(PHONE.format(page=html.escape(report(run, images).read_text())))
    printed = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", frame.as_uri())
    measured = re.search(r"width (\d+) of (\d+)<", printed)
    assert measured, "the page did not load"
    assert int(measured[1]) <= int(measured[2])


def test_both_themes_are_drawn(digits_run: Made, tmp_path: Path) -> None:
    page, corner = report(*digits_run).as_uri(), []
    for theme in ("0", "1"):  # dark, light
        shot = tmp_path / f"{theme}.png"
        colours = f"--blink-settings=preferredColorScheme={theme}"
        chromium(tmp_path, colours, f"--screenshot={shot}", "--window-size=800,600", page)
        image = Image.open(shot).convert("L")
        corner.append(image.getpixel((2, 2)))
        assert len(image.getcolors(256) or ()) > 20, "an empty page"
    assert corner[0] < 60
    assert corner[1] > 220


def test_a_cell_of_the_matrix_opens_its_images(digits_run: Made, tmp_path: Path) -> None:
    shown = (
        "[...document.querySelectorAll('.opened, .opened .cell')]"
        ".filter((one) => one.getClientRects().length).map((one) => one.id)"
    )
    with opened(tmp_path) as page:
        page.open(report(*digits_run).as_uri())
        assert page.run(shown) == []
        page.run("document.querySelector('.cells td a').click()")
        page.wait(f"{shown}.length")
        assert page.run(shown) == ["class-0", "class-0-as-0"]
        assert page.run("document.activeElement.id") == "class-0-as-0"
        page.wait("[...document.querySelectorAll(':target img')].every((one) => one.naturalWidth)")
        page.run("document.querySelector(':target').parentElement.querySelector('.all').click()")
        page.wait(f"{shown}.length > 2 || location.hash === '#class-0'")
        assert page.run(shown)[0] == "class-0"
        page.run("document.querySelector('.opened:target .close a:last-child').click()")
        page.wait(f"!{shown}.length")
        assert not page.problems
