"""The coverage of the course: each line in one passage, each passage with what became of it."""

import hashlib
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cutaway import lab
from cutaway.errors import DataError
from cutaway.lab import course
from cutaway.lab.course import REASONS, Passage, Place, Text, errata, texts
from cutaway.lab.course.checks import faults, faults_of_lines

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "coverage.py"
COVERAGE = runpy.run_path(str(SCRIPT))
FILE = "one\n\ntwo\nthree\n"


def text(*passages: Passage, content: str = FILE) -> Text:
    """A text with one place, as it is when it lies in a file."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    lines = len(content.splitlines())
    places = (Place("p1", "", passages),)
    return Text("short", "X", "Short", "A short text", "short.txt", lines, digest, places)


WHOLE = (
    Passage(1, 1, "One.", claims=("1.1",)),
    Passage(3, 4, "Two and three.", reason="history"),
)


def amiss(*passages: Passage, known: tuple[str, ...] = ("1.1",), **more: tuple[str, ...]):
    return list(faults([text(*passages)], {}, known, **more))


def test_nothing_is_amiss_without_the_texts():
    assert COVERAGE["amiss"](None) == []


def test_every_line_is_in_one_passage():
    folder = COVERAGE["beside"]()
    if folder is None or not (folder / texts()[0].file).is_file():
        pytest.skip("the texts are not here: they lie in the folder course beside $CUTAWAY_DATA")
    assert COVERAGE["amiss"](folder) == []


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert COVERAGE["page"]() == page, "python scripts/coverage.py writes it anew"


def test_the_sentences_are_sentences():
    for one in texts():
        for passage in one.passages:
            assert passage.says[-1] in ".?", passage
            assert passage.reason in REASONS or passage.reason[-1:] in ("", "."), passage


def test_anchors_of_places_differ():
    anchors = [one.anchor(place) for one in texts() for place in one.places]
    assert len(set(anchors)) == len(anchors)


def test_a_claim_knows_its_places():
    places = [(one.key, place.name) for one, place in course.tested("5.17")]
    assert ("textbook", "4.3.1") in places
    assert ("statistics", "p44") in places
    assert len(set(places)) == len(places)


def test_a_sound_text():
    assert amiss(*WHOLE) == []


@pytest.mark.parametrize(
    ("passage", "said"),
    [
        (Passage(3, 4, "Two."), "short.txt, lines 3 to 4: needs a sentence, and claims"),
        (Passage(3, 4, "", reason="history"), "needs a sentence"),
        (Passage(3, 4, "Two.", claims=("1.1",), reason="history"), "or a reason why"),
        (Passage(3, 4, "Two.", claims=("9.9",)), "claim 9.9 does not exist."),
        (Passage(3, 4, "Two.", errata=("X1",)), "erratum X1 does not exist."),
    ],
)
def test_what_a_passage_lacks(passage, said):
    (fault,) = amiss(WHOLE[0], passage)
    assert said in fault


def test_a_claim_that_no_passage_names():
    (fault,) = amiss(*WHOLE, known=("1.1", "1.2"))
    assert fault == "Claim 1.2 is named by no passage of the course."


def test_claims_beyond_the_texts():
    assert amiss(*WHOLE, known=("1.1", "1.2"), beyond=("1.2",)) == []
    said = amiss(*WHOLE, beyond=("1.1", "9.9"))
    assert said == [
        "Claim 1.1 is beyond the texts, and yet a passage names it.",
        "Claim 9.9 is beyond the texts, and does not exist.",
    ]


def test_what_an_erratum_lacks():
    one = replace(errata()["M1"], id="X1", claim="9.9")
    marked = replace(WHOLE[0], errata=("X1",))
    (fault,) = faults([text(marked, WHOLE[1])], {"X1": one}, ("1.1",))
    assert fault == "Erratum X1 names claim 9.9, which does not exist."
    (fault,) = faults([text(marked, WHOLE[1])], {"X1": replace(one, claim="")}, ("1.1",))
    assert fault == "Erratum X1 needs a claim with an effect, a check or a source."
    bare = replace(one, claim="1.1", effect="")
    (fault,) = faults([text(marked, WHOLE[1])], {"X1": bare}, ("1.1",))
    assert "needs a claim with an effect" in fault
    assert not list(faults([text(marked, WHOLE[1])], {"X1": replace(bare, source="s")}, ("1.1",)))
    (fault,) = faults([text(*WHOLE)], {"X1": replace(one, claim="1.1")}, ("1.1",))
    assert fault == "Erratum X1 is named by no passage of the course."


@pytest.mark.parametrize(
    ("passages", "content", "said"),
    [
        (WHOLE, FILE, []),
        (WHOLE[:1], FILE, ["line 3 lies in no passage", "line 4 lies in no passage"]),
        ((*WHOLE, WHOLE[0]), FILE, ["line 1 lies in 2 passages"]),
        (WHOLE, FILE.replace("two", "2"), ["has changed"]),
        (WHOLE, FILE + "four\n", ["has changed", "has 5 lines, not 4", "line 5 lies in no"]),
        ((*WHOLE, replace(WHOLE[0], first=9, last=9)), FILE, ["has no line 9"]),
    ],
)
def test_lines(tmp_path, passages, content, said):
    (tmp_path / "short.txt").write_text(content)
    found = list(faults_of_lines(text(*passages), tmp_path))
    assert len(found) == len(said)
    assert all(words in fault for words, fault in zip(said, found, strict=True))


def test_a_text_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="name the folder of the texts with --texts DIR"):
        list(faults_of_lines(text(*WHOLE), tmp_path))


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name != "CUTAWAY_DATA"}
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=kept | environment
    )


def test_the_command_says_in_one_sentence_what_is_missing(tmp_path):
    before = (ROOT / "docs" / "coverage.md").read_bytes()
    lost = run("--texts", str(tmp_path))
    assert lost.returncode == 1
    assert lost.stderr.count("\n") == 1
    assert lost.stderr.startswith("There is no text")
    nowhere = run()
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("Where are the texts?")
    assert (ROOT / "docs" / "coverage.md").read_bytes() == before


def test_every_claim_is_linked_to_its_chapter():
    headings = {
        line[3:].lower().replace(" ", "-")
        for line in (ROOT / "docs" / "findings.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    }
    for one in lab.claims():
        link = COVERAGE["link"](one.number)
        assert link.partition("#")[2].rstrip(")") in headings
