"""The page of a comparison: whole, safe, and drawn to scale."""

from pathlib import Path

import pytest
from helpers.compared_runs import altered, fleet, single
from helpers.report_page import Page, read
from helpers.report_runs import HOSTILE

from cutaway.figures import Axis, Interval, Intervals
from cutaway.learn.compare import compare
from cutaway.show.charts.intervals import draw
from cutaway.show.pages.compare import write
from cutaway.show.verdict import number

OURS, BETTER, NEAR = [0.90, 0.91, 0.93], [0.94, 0.94, 0.97], [0.92, 0.89, 0.93]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("compared")
    seeds = fleet(root / "seeds", [{"seed": k, "split_seed": 0} for k in range(3)])
    altered(seeds, root / "a", OURS)
    altered(seeds, root / "b", BETTER, lr=0.3)
    altered(seeds, root / "c", NEAR, optimizer="adamw")
    single(root / "one")
    single(root / HOSTILE.replace("/", ""), lr=0.2)
    return root


def page(path: Path, *compared: Path) -> Page:
    write(compare(compared), path)
    return read(path)


def plain(html: Page) -> str:
    return html.text.replace("\N{NO-BREAK SPACE}", " ")


def test_fleets(runs: Path, tmp_path: Path) -> None:
    html = page(tmp_path / "page.html", runs / "a", runs / "b")
    assert "b is better than a by" in plain(html)
    assert "Replicate by replicate" in plain(html)
    assert "seed 2" in plain(html)
    assert len([c for c in html.all("circle") if c["class"] == "value"]) == 6
    assert len([p for p in html.all("path") if p.get("class") == "zero"]) == 1
    drawn = [line["class"] for line in html.all("polyline")]
    assert drawn.count("line one") == drawn.count("line two") == 2
    assert drawn.count("line one thin") == 6


def test_it_needs_nothing_beside_it(runs: Path, tmp_path: Path) -> None:
    html = page(tmp_path / "page.html", runs / "one", runs / HOSTILE.replace("/", ""))
    assert not html.all("script")
    assert not html.all("link")
    assert not html.all("img")
    policy = [m for m in html.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy[0]["content"]
    assert "url(" not in html.style
    targets = {tag["href"].removeprefix("#") for tag in html.all("a")}
    assert targets <= {tag["id"] for _, tag in html.tags if "id" in tag}


def test_single_runs_have_no_replicates(runs: Path, tmp_path: Path) -> None:
    html = page(tmp_path / "page.html", runs / "one", runs / HOSTILE.replace("/", ""))
    assert "Replicate by replicate" not in plain(html)
    assert "McNemar's exact test" in plain(html)


def test_the_headline_is_the_largest_lead_that_can_be_told(runs: Path, tmp_path: Path) -> None:
    text = plain(page(tmp_path / "page.html", runs / "a", runs / "b", runs / "c"))
    assert "points b over a" in text
    assert "No significant difference" in plain(
        page(tmp_path / "page.html", runs / "a", runs / "c")
    )


def test_intervals_share_an_axis() -> None:
    rows = (Interval("a", 50, 40, 60, label="a 50"), Interval("b" * 80, 70, 70, 80, label="b 70"))
    drawn = draw(Intervals("Shares", Axis("%"), rows))
    a, b = drawn.spans
    unit = (b.low - a.low) / 30
    assert a.high - a.low == pytest.approx(20 * unit, abs=0.2)
    assert a.at == pytest.approx((a.low + a.high) / 2, abs=0.2)
    assert drawn.left < a.low
    assert b.high < drawn.right
    assert len(b.name) == 44
    assert drawn.reference is None
    assert b.y < drawn.bottom


def test_zero_is_on_the_axis_of_differences() -> None:
    drawn = draw(Intervals("Gain", Axis(""), (Interval("a", 3, 2, 4),), reference=0.0))
    assert drawn.reference is not None
    assert drawn.left <= drawn.reference < drawn.spans[0].low


def test_numbers_keep_their_sign_only_where_it_shows() -> None:
    assert number(-1234.56, 1) == "−1,234.6"
    assert number(-0.001, 1) == "0.0"
