"""The book of the lab: a page a chapter, and front pages by chapter and by text."""

from collections.abc import Sequence
from pathlib import Path

from cutaway.files import write_whole, writing
from cutaway.lab import course
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.experiment import Finding
from cutaway.lab.proving import NoFinding
from cutaway.show.book.entry import Entry, entry
from cutaway.show.book.places import ERRATA, TEXTS
from cutaway.show.book.texts import Mark, marks, shelves, slips
from cutaway.show.findings import summary
from cutaway.show.pages.base import Section
from cutaway.show.render import render
from cutaway.version import __version__

OWN = "own"
"""The page of claims outside the course."""


def write(findings: Sequence[Finding | NoFinding], folder: Path) -> Path:
    """Write the book into a folder, which is created; return the front page.

    Each page needs nothing beside it but the links to the others, and no network.

    Raises:
        RunError: it cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    chapters: dict[str, list[Entry]] = {}
    for finding in findings:
        chapters.setdefault(_chapter(finding), []).append(entry(finding))
    for i, number in enumerate(chapters):
        write_whole(folder / _file(number), _page(chapters, list(chapters), i))
    if _by_text(chapters):
        write_whole(folder / TEXTS, _texts(chapters))
        write_whole(folder / ERRATA, _errata(chapters, findings))
    write_whole(folder / "index.html", _front(chapters, findings))
    return folder / "index.html"


def _chapter(finding: Finding | NoFinding) -> str:
    number = finding.claim.number.partition(".")[0]
    return number if number in CHAPTERS else OWN


def _file(chapter: str) -> str:
    return f"chapter-{chapter}.html"


def _title(chapter: str) -> str:
    if chapter == OWN:
        return "Claims of your own"
    return f"{chapter}. {CHAPTERS[chapter].title}"


def _by_text(chapters: dict[str, list[Entry]]) -> bool:
    """Whether a claim of the course is in the book."""
    return any(one.sources for some in chapters.values() for one in some)


def _front(chapters: dict[str, list[Entry]], findings: Sequence[Finding | NoFinding]) -> str:
    parts = [(f"chapter-{n}", _title(n), _file(n), some) for n, some in chapters.items()]
    return render(
        "book/front.html",
        {
            "sections": [Section(name, title) for name, title, _, _ in parts],
            "parts": parts,
            "summary": summary(findings),
            "by_text": _by_text(chapters),
            "entries": [one for some in chapters.values() for one in some],
            "version": __version__,
        },
    )


def _page(chapters: dict[str, list[Entry]], order: list[str], at: int) -> str:
    number = order[at]
    before = order[at - 1] if at else ""
    after = order[at + 1] if at + 1 < len(order) else ""
    return render(
        "book/chapter.html",
        {
            "title": _title(number),
            "entries": chapters[number],
            "sections": [Section(one.anchor, one.number) for one in chapters[number]],
            "by_text": _by_text(chapters),
            "before": (_file(before), _title(before)) if before else None,
            "after": (_file(after), _title(after)) if after else None,
            "version": __version__,
        },
    )


def _marks(chapters: dict[str, list[Entry]]) -> dict[str, Mark]:
    return marks(chapters, {number: _file(number) for number in chapters})


def _texts(chapters: dict[str, list[Entry]]) -> str:
    found = shelves(_marks(chapters))
    shown = (mark for one in found for part in one.parts for row in part.rows for mark in row.marks)
    return render(
        "book/texts.html",
        {
            "sections": [Section(one.text.key, one.text.short) for one in found],
            "shelves": found,
            "absent": any(not mark.href for mark in shown),
            "version": __version__,
        },
    )


def _errata(chapters: dict[str, list[Entry]], findings: Sequence[Finding | NoFinding]) -> str:
    proved = {one.claim.number: one for one in findings if isinstance(one, Finding)}
    return render(
        "book/errata.html",
        {
            "sections": [Section(text.key, text.short) for text in course.texts()],
            "shelves": slips(_marks(chapters), proved),
            "version": __version__,
        },
    )
