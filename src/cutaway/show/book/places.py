"""Where the texts say what a claim tests."""

from dataclasses import dataclass

from cutaway.lab import course
from cutaway.lab.course import Place, Text

TEXTS, ERRATA = "texts.html", "errata.html"
"""The files of the pages by text."""


@dataclass(frozen=True)
class Source:
    """The places of one text from which a claim comes, each a name and a link."""

    text: str
    places: tuple[tuple[str, str], ...]


def sources(number: str) -> tuple[Source, ...]:
    """Those of a claim, text by text; none for a claim of one's own."""
    found: dict[str, list[tuple[str, str]]] = {}
    for text, place in course.tested(number):
        found.setdefault(text.short, []).append((place.name, link(text, place)))
    return tuple(Source(text, tuple(places)) for text, places in found.items())


def link(text: Text, place: Place) -> str:
    """To a place on the page of the texts."""
    return f"{TEXTS}#{text.anchor(place)}"
