"""The book: every page closes its tags, links to the others, and shows the findings."""

import html
import re
from pathlib import Path

import pytest
import torch
from helpers.browser import CHROMIUM, PHONE, chromium
from helpers.command import cutaway
from helpers.own_claims import TEXT
from helpers.report_page import read

from cutaway import lab
from cutaway.errors import RunError
from cutaway.figures import Axis, Bars, Curves, Part, line
from cutaway.lab import course, registry
from cutaway.lab.evidence import Table, Verdict
from cutaway.lab.figures import over
from cutaway.lab.proving import NoFinding
from cutaway.show.book import write
from cutaway.show.book.entry import BESIDE, command, ends, entry, shown, width
from cutaway.show.book.places import sources
from cutaway.show.charts.bars import draw as rows
from cutaway.show.charts.curves import draw as chart
from cutaway.show.prose import prose, typeset
from cutaway.show.words import capital


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of claims of one's own, forgotten after the test."""
    monkeypatch.setattr(registry, "OWN", {})
    path = tmp_path / "coins.py"
    path.write_text(TEXT)
    lab.add(path)
    return path


@pytest.fixture
def book(tmp_path: Path, own: Path) -> Path:
    """Two findings, one that was left out, and one of a claim of one's own."""
    findings = list(lab.prove(["1.1", "1.2", "coins.fair", "coins.absent"]))
    return write(findings, tmp_path / "book")


def test_every_page_is_whole_and_finds_the_others(book):
    pages = {path.name: read(path) for path in book.parent.iterdir()}
    chapters = {"chapter-1.html", "chapter-own.html"}
    assert set(pages) == {"index.html", "texts.html", "errata.html", *chapters}
    for page in pages.values():
        for link in page.all("a"):
            file, _, anchor = link["href"].partition("#")
            if file:
                assert file in pages
                ids = {attributes.get("id") for _, attributes in pages[file].tags}
                assert not anchor or anchor in ids


def test_the_front_page_has_all_verdicts(book):
    text = read(book).text
    assert "Holds: 3, left out: 1." in text
    assert "1.2 No single threshold unit computes XOR. ✓ holds" in text
    assert "– left out" in text


def test_a_page_says_what_was_found(book):
    text = read(book.parent / "chapter-1.html").text
    for words in (
        "The rule Holds if the given weights",
        "Holds, because The weighted sum is a line",
        "Rows that the given weights answer wrongly, of 12 0 exact",
        "def gates(",
        "def taught(",
        "cutaway prove 1.1",
        "95 % intervals",
    ):
        assert words in text
    assert "Left out: needs no_such_package." in read(book.parent / "chapter-own.html").text


def test_the_texts_have_every_statement_and_its_verdicts(book):
    page = read(book.parent / "texts.html")
    statements = [passage.says for one in course.texts() for passage in one.passages]
    assert len(re.findall("<li><span>", (book.parent / "texts.html").read_text())) == len(
        statements
    )
    assert "It cannot solve XOR; a multilayer perceptron can. ✓ 1.2 holds 1.3 not in" in page.text
    assert (
        "Each class gets z_i divided by the sum of all z_j. 1.6 not in this book ! M2" in page.text
    )
    assert "OR is 1 where one input is 1. A definition: nothing to measure." in page.text
    links = {link["href"] for link in page.all("a")}
    assert {"index.html", "errata.html", "chapter-1.html#claim-1.2", "#statistics-p9"} <= links
    assert not any("claim-1.3" in link for link in links)


def test_a_claim_links_to_its_places_and_errata(book):
    links = [link["href"] for link in read(book.parent / "chapter-1.html").all("a")]
    assert "texts.html#notes-2-logic-gates" in links
    assert "texts.html" in links
    assert sources("coins.fair") == ()
    result = entry(NoFinding(lab.claim("1.6"), "not asked for"))
    assert result.errata == ("M2", "M3")
    assert result.sources[0].text == "Lecture"
    assert result.sources[0].places[-1] == ("Summary", "texts.html#lecture-summary")


def test_the_errata_have_what_was_measured(book, tmp_path):
    without = read(book.parent / "errata.html").text
    assert "M3 half right Softmax Printed the five best, because of probabilities True" in without
    assert "Shown by 1.6 not in this book not in this book" in without
    assert "Shown by 6.9 not in this book He et al. 2015, table 5" in without
    assert "Checked by 784-100-10 has 784 × 100 + 100 × 10 = 79,400 connections" in (
        without.replace("\N{NO-BREAK SPACE}", " ")
    )
    found = write(list(lab.prove(["2.2", "7.4"])), tmp_path / "two")
    shown = read(found.parent / "errata.html").text.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Shown by ◐ 7.4 holds with limits J_D of that example, natural logarithm: −13.82" in shown
    )
    assert "chapter-2.html#claim-2.2" in (found.parent / "errata.html").read_text()


def test_claims_of_ones_own_alone_have_no_texts(own, tmp_path):
    found = write(list(lab.prove(["coins.fair"])), tmp_path / "book")
    assert {path.name for path in found.parent.iterdir()} == {"index.html", "chapter-own.html"}
    assert "texts.html" not in found.read_text() + (found.parent / "chapter-own.html").read_text()


def test_the_command_has_the_settings_that_differ():
    finding = lab.claim("1.1").run(replicates=16, epochs=3)
    assert command(finding) == "cutaway prove 1.1 --replicates 16 --epochs 3"
    words = command(finding).split()[1:]
    assert cutaway(*words, "--json").json[0]["settings"] == finding.settings


def test_an_entry_marks_what_decides():
    result = entry(lab.claim("1.2").run(replicates=16, epochs=3))
    assert result.verdict == Verdict.HOLDS.value
    assert [m.decides for m in result.measured] == [True, True]
    assert [m.interval for m in result.measured] == ["exact", "exact"]
    assert [m.n for m in result.measured] == ["", ""]
    share = entry(lab.claim("1.1").run(replicates=16)).measured[-1]
    assert share.n == "16"


def test_bars_end_where_their_values_are():
    figure = Bars("b", "share (%)", ("x", "y"), (Part("one", (50.0, 100.0), (40, 90), (60, 103)),))
    drawn = rows(figure)
    first, second = drawn.rows
    assert (first.end - first.start) / (second.end - second.start) == pytest.approx(0.5, abs=0.01)
    assert first.interval is not None
    assert first.interval[0] < first.end < first.interval[1]
    assert drawn.names[0][1] == "x"


def test_bars_of_odd_values():
    nan, inf = float("nan"), float("inf")
    for values in ((0.0, 0.0), (-1.0, 2.0), (nan, 1.0), (inf, 1.0), (1e-9, 1e9)):
        for log in ("linear", "log"):
            drawn = rows(Bars("b", Axis("x", log), ("a", "b"), (Part("", values),)))
            assert all(row.start <= row.end for row in drawn.rows)


def test_values_stand_beside_their_bars():
    figure = Bars(
        "b", Axis("weights", "log"), ("few", "many"), (Part("", (3200.0, 77_310_984_192.0)),)
    )
    drawn = rows(figure)
    assert [row.text for row in drawn.rows] == ["3,200", "77.31\N{NO-BREAK SPACE}billion"]
    letter = 6.5  # of a figure of 12 units, about
    assert all(row.end < drawn.width - letter * len(row.text) for row in drawn.rows)


def test_keys_and_notes_are_of_what_is_drawn():
    points = line("a", [1, 2, 3], [1, 2, 3], dots=True)
    figure = Curves("c", "epochs", "y", (points, over("b", [1, 2, 3], torch.randn(3, 4))))
    drawn = chart(figure)
    assert [key.dot for key in drawn.keys] == [True, False]
    assert [text for _, text in drawn.x_ticks] == ["1", "2", "3"]  # no half epochs
    assert shown(figure).note == "Shaded"
    assert shown(Curves("c", "x", "y", (points,))).note == ""


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("try `--wrong 0`.", "try <code>--wrong 0</code>."),
        ("`cutaway.models`' a < b", "<code>cutaway.models</code>&#39; a &lt; b"),
        ("-0.5 (-1e-8), 1 - z, e^(-x)", "−0.5 (−1e−8), 1~−~z, e^(−x)"),
        (
            "Algorithm 4-1, --full, EfficientNet-Lite0",
            "Algorithm 4\N{NON-BREAKING HYPHEN}1, --full, EfficientNet-Lite0",
        ),
        ("5 % of 3 x 3 x 3", "5~% of 3~×~3~×~3"),
        ("1e-08 to 7e+10, (l-1), start x 0.3", "1e−8 to 7e10, (l−1), start~×~0.3"),
        ("(h - 1) / 2, a row [1 x n]", "(h~−~1)~/ 2, a row [1~×~n]"),
        ("a column x of n: 4096-4096-1000", "a column x of n: 4096-4096-1000"),
        ("1 s (us) of (1 to 2) %", "1~s (µs) of (1 to 2)~%"),
    ],
)
def test_sentences_as_html(text, typed):
    assert prose(text) == typed.replace("~", "\N{NO-BREAK SPACE}")


def test_all_texts_of_a_figure_are_set():
    figure = Curves("T = -3", "x", "1e-08", (line("1 x 2", [1, 2], [1, 2]),), levels=((1, "-6"),))
    result = typeset(figure)
    assert (result.title, result.y.label, result.levels) == ("T = −3", "1e−8", ((1, "−6"),))
    assert result.series[0].y == figure.series[0].y


def test_intervals_say_millions_once():
    space = "\N{NO-BREAK SPACE}"
    assert ends(f"180.4{space}million", f"595{space}million") == f"180.4 to{space}595{space}million"
    assert ends("999,999", f"12{space}million") == f"999,999 to{space}12{space}million"
    assert ends("1", "2") == f"1 to{space}2"


def test_wide_tables_stand_below():
    few = Table("few", tuple("abcdefgh"), (tuple(range(8)),))
    many = Table("many", ("network", "weights"), (("a name that is " * 4, 12),))
    assert width(few) < BESIDE < width(many)


def test_words_of_lines_stand_where_nothing_is():
    x = torch.arange(101.0)
    falling = Curves("c", "x", "y", (line("a", x, 100 - x),), levels=((5, "chance"),))
    rising = Curves("c", "x", "y", (line("a", x, x),), levels=((5, "chance"),))
    assert [chart(one).levels[0].word.anchor for one in (falling, rising)] == ["start", "end"]
    steep = Curves("c", "x", "y", (line("a", x, 0 * x), line("b", x, x)), marks=((50, "here"),))
    (mark,) = chart(steep).marks
    assert mark.word.y < chart(steep).bottom - 8  # where the first line runs


def test_an_axis_by_ratios_names_what_was_measured():
    few, many = [8, 20, 44], [2**i for i in range(12)]
    ticks = [
        [text for _, text in chart(Curves("c", Axis("x", "log"), "y", (line("a", x, x),))).x_ticks]
        for x in (few, many)
    ]
    assert ticks == [["8", "20", "44"], ["1", "10", "100", "1000"]]


def test_lines_on_each_other_are_named():
    x = torch.arange(9.0)
    parts = (line("a", x, x), line("b", x, x + 0.01), line("c", x, 8 - x), line("d", x, x))
    figure = Curves("c", "x", "y", parts, caption="Four lines.")
    assert chart(figure).caption == "Four lines. Drawn on each other: a; b; d."
    assert chart(Curves("c", "x", "y", parts[1:3])).caption == ""


def test_symbols_are_not_capitalised():
    titles = [capital(text) for text in ("z at 0", "a unit", "loss", "J_D of it", "")]
    assert titles == ["z at 0", "A unit", "Loss", "J_D of it", ""]


def test_no_place_to_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write([], tmp_path / "file" / "book")


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer")
def test_no_wider_than_a_phone(book, tmp_path):
    for path in sorted(book.parent.iterdir()):
        frame = tmp_path / "frame.html"
        frame.write_text(PHONE.format(page=html.escape(path.read_text())))
        printed = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", frame.as_uri())
        measured = re.search(r"width (\d+) of (\d+)<", printed)
        assert measured, "the page did not load"
        assert int(measured[1]) <= int(measured[2]), path.name
