"""The book by text and page: each passage with the verdicts of its claims; and the errata."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cutaway.lab import course
from cutaway.lab.course import Erratum, Passage, Text
from cutaway.lab.experiment import Finding
from cutaway.show.book.entry import Entry
from cutaway.show.book.places import link
from cutaway.show.findings import measured


@dataclass(frozen=True)
class Mark:
    """A claim as a small badge; one that the book does not have leads nowhere."""

    number: str
    kind: str = "absent"
    sign: str = ""
    verdict: str = "not in this book"
    says: str = ""
    href: str = ""


@dataclass(frozen=True)
class Row:
    """A passage."""

    says: str
    marks: tuple[Mark, ...]
    errata: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Part:
    """A place of a text: page, section or heading."""

    anchor: str
    name: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Shelf:
    """A text, with how many of its passages have claims, errata or neither."""

    text: Text
    parts: tuple[Part, ...]
    passages: int
    tested: int
    corrected: int
    neither: int


@dataclass(frozen=True)
class Slip:
    """An erratum, with how it is known.

    Attributes:
        mark: the claim that shows it, if one does.
        shown: the measured figure, the computation or the source.
        href: the first of its places.
    """

    erratum: Erratum
    mark: Mark | None
    shown: str
    href: str


def marks(entries: Mapping[str, Sequence[Entry]], files: Mapping[str, str]) -> dict[str, Mark]:
    """A mark for each claim in the book.

    Args:
        entries: by chapter.
        files: the page of each chapter.
    """
    return {
        e.number: Mark(
            e.number, e.kind, e.mark, e.verdict, e.claim.says, f"{files[chapter]}#{e.anchor}"
        )
        for chapter, some in entries.items()
        for e in some
    }


def shelves(known: Mapping[str, Mark]) -> list[Shelf]:
    """All texts."""
    return [_shelf(text, known) for text in course.texts()]


def _shelf(text: Text, known: Mapping[str, Mark]) -> Shelf:
    parts = tuple(
        Part(
            text.anchor(place), place.name, place.title,
            tuple(_row(passage, known) for passage in place.passages),
        )
        for place in text.places
    )  # fmt: skip
    some = text.passages
    tested, corrected = sum(bool(one.claims) for one in some), sum(bool(one.errata) for one in some)
    return Shelf(text, parts, len(some), tested, corrected, sum(bool(one.why) for one in some))


def _row(passage: Passage, known: Mapping[str, Mark]) -> Row:
    found = tuple(known.get(number, Mark(number)) for number in passage.claims)
    return Row(passage.says, found, passage.errata, passage.why)


def slips(
    known: Mapping[str, Mark], findings: Mapping[str, Finding]
) -> list[tuple[Text, list[Slip]]]:
    """All errata, text by text."""
    found: dict[str, list[Slip]] = {text.key: [] for text in course.texts()}
    for one in course.errata().values():
        found[one.text].append(_slip(one, known, findings))
    return [(text, found[text.key]) for text in course.texts()]


def _slip(one: Erratum, known: Mapping[str, Mark], findings: Mapping[str, Finding]) -> Slip:
    href = next(_places(one), "")
    if not one.claim:
        return Slip(one, None, one.ground, href)
    mark, finding = known.get(one.claim, Mark(one.claim)), findings.get(one.claim)
    effect = finding.evidence.effects.get(one.effect) if finding else None
    figure = f"{one.what or effect.what}: {measured(effect)}" if effect else ""
    return Slip(one, mark, "; ".join(filter(None, (figure, one.ground))), href)


def _places(one: Erratum) -> Iterator[str]:
    for text in course.texts():
        for place in text.places:
            if any(one.id in passage.errata for passage in place.passages):
                yield link(text, place)
