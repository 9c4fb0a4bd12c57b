"""The four texts of the course, passage by passage: what each says, and what became of it.

The texts themselves are not here. A file for each of them holds every passage's place, its lines,
our own short sentence, and the claims that test it, the errata that correct it, or the reason why
neither is possible; `errata.toml` holds what is wrong, half right or misprinted. `scripts/` writes
docs/coverage.md and docs/errata.md from them; `course.checks` says what is amiss.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

TEXTS = ("lecture", "notes", "textbook", "statistics")
"""In the order of the pages."""
REASONS = {
    "outline": "A heading, or what is to come.",
    "definition": "A definition: nothing to measure.",
    "notation": "Names and symbols.",
    "history": "History.",
    "opinion": "An opinion or advice: no measurement decides.",
    "comparison": "A comparison, to help the memory.",
    "drawing": "Describes a drawing.",
}
"""Why many passages are not tested; others have a sentence of their own."""
BEYOND: dict[str, str] = {}
"""Claims that come from no passage, by number, with the reason why they are in the lab."""


@dataclass(frozen=True)
class Passage:
    """A statement of a text.

    Attributes:
        first, last: its lines in the text's file, counted from 1.
        says: the statement, in our own words.
        claims: numbers of the claims that test it.
        errata: ids of what is wrong with it.
        reason: a key of `REASONS` or a sentence, where it has neither.
    """

    first: int
    last: int
    says: str
    claims: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    reason: str = ""

    @property
    def why(self) -> str:
        """The reason as a sentence; empty where it has claims or errata."""
        return REASONS.get(self.reason, self.reason)


@dataclass(frozen=True)
class Place:
    """A part of a text as a reader finds it: page `p9`, section `4.3.1`, a heading."""

    name: str
    title: str
    passages: tuple[Passage, ...]

    @property
    def heading(self) -> str:
        """`p9: Examples of objective functions`."""
        return ": ".join(filter(None, (self.name, self.title)))


@dataclass(frozen=True)
class Text:
    """A text of the course.

    Attributes:
        key: its name here, `lecture`.
        letter: the first one of its errata's ids.
        short: its name in a sentence, `Study notes`.
        file: the name of its file.
        lines, sha256: of that file.
    """

    key: str
    letter: str
    short: str
    title: str
    file: str
    lines: int
    sha256: str
    places: tuple[Place, ...]

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(passage for place in self.places for passage in place.passages)

    def anchor(self, place: Place) -> str:
        """A name for links to a place."""
        return re.sub(r"[^a-z0-9.]+", "-", f"{self.key} {place.name}".lower()).strip("-")


@dataclass(frozen=True)
class Erratum:
    """What is wrong, half right or misprinted.

    Attributes:
        text: the key of its text.
        printed: the few symbols or words at issue.
        true: what is so instead.
        claim, effect: the claim that shows it, and the measured effect that has the number; a claim
            without an effect has the facts in a table.
        what: the effect is, where its own name is not enough.
        check: a computation that shows it; the tests repeat it.
        source: where the fact stands, and when it was looked up.
    """

    id: str
    text: str
    place: str
    kind: str
    printed: str
    true: str
    claim: str = ""
    effect: str = ""
    what: str = ""
    check: str = ""
    source: str = ""

    @property
    def ground(self) -> str:
        """What it rests on beside a claim: a computation, a source or both."""
        if self.check and self.source:
            return f"{self.check} Source: {self.source}"
        return self.check or self.source


@cache
def texts() -> tuple[Text, ...]:
    """The four texts."""
    return tuple(map(_text, TEXTS))


@cache
def errata() -> dict[str, Erratum]:
    """All errata by id, text by text."""
    found = [Erratum(**one) for one in _read("errata")["erratum"]]
    return {one.id: one for one in sorted(found, key=lambda one: TEXTS.index(one.text))}


def tested(number: str) -> Iterator[tuple[Text, Place]]:
    """The places from which a claim comes, each once."""
    for text in texts():
        for place in text.places:
            if any(number in passage.claims for passage in place.passages):
                yield text, place


def _text(key: str) -> Text:
    content = _read(key)
    places = tuple(
        Place(one["name"], one.get("title", ""), tuple(map(_passage, one["passages"])))
        for one in content.pop("place")
    )
    return Text(key, places=places, **content)


def _passage(row: dict[str, Any]) -> Passage:
    first, last = row.pop("lines")
    claims, errata = (tuple(row.pop(name, ())) for name in ("claims", "errata"))
    return Passage(first, last, claims=claims, errata=errata, **row)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
