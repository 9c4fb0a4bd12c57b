"""Claims by number, by chapter, and of one's own."""

import pytest
from helpers.own_claims import TEXT

from cutaway import lab
from cutaway.errors import UsageError
from cutaway.lab import registry
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.experiment import SCALES


def test_chapters_come_in_order():
    numbers = [one.number for one in lab.claims("1")]
    assert numbers == [f"1.{k}" for k in range(1, len(numbers) + 1)]


def test_every_claim_says_what_it_must():
    for one in lab.claims():
        chapter, _, place = one.number.partition(".")
        assert chapter in CHAPTERS
        assert place.isdigit()
        for text in (
            one.says,
            one.source,
            one.baseline,
            one.otherwise,
            one.rule_in_words,
            one.what_is_done,
        ):
            assert text.strip(), one.number
        for scale in SCALES:
            one.settle(scale)  # what the larger experiments ask for can be had
        if "replicates" in one.settings:
            assert one.settings["replicates"].default >= 8, one.number


def test_each_once_in_the_order_named():
    assert [one.number for one in lab.claims("1.2", "1", "1.1")][:3] == ["1.2", "1.1", "1.3"]


@pytest.mark.parametrize(
    ("number", "said"), [("1.22", "'1.2'"), ("99", "no claim 99"), ("x", "no claim x")]
)
def test_unknown_claims(number, said):
    with pytest.raises(UsageError, match=said):
        lab.claim(number)


def test_added_again_after_a_change(own):
    own.write_text(own.read_text().replace("The coin is fair.", "It is."))
    lab.add(own)
    assert lab.claim("coins.fair").says == "It is."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "holds no claim"),
        ("import no_such_thing", "cannot be run: ModuleNotFoundError"),
        ("def f(:", "cannot be run: SyntaxError"),
        (TEXT.replace("coins.fair", "1.1"), "the number 1.1 is taken"),
    ],
)
def test_files_that_cannot_be_added(tmp_path, monkeypatch, text, said):
    monkeypatch.setattr(registry, "OWN", {})
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        lab.add(path)
    with pytest.raises(UsageError, match="no file"):
        lab.add(tmp_path / "other.py")
