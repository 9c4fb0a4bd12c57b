"""Write docs/coverage.md: what became of every line of the course's four texts.

    CUTAWAY_DATA=... python scripts/coverage.py  # texts in the folder course beside it
    python scripts/coverage.py --texts DIR

The passages are in src/cutaway/lab/course/. Nothing is written where a line of the texts lies in no
passage or in two, a text has changed, a claim or an erratum does not exist, a passage has neither
claims nor errata nor a reason, or a claim of the lab comes from no passage: a sentence says which.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cutaway import lab
from cutaway.errors import DataError
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.course import BEYOND, REASONS, Passage, Text, errata, texts
from cutaway.lab.course.checks import faults, faults_of_lines

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
HEAD = """\
# What became of each line

The course ([what that is](../README.md#the-course)) is four texts. Each statement in them is a row here, with the claims that test it ([findings.md](findings.md) has the verdicts), the errata that correct it ([errata.md](errata.md)), or the reason why it is not tested. The sentences are ours; the texts are not part of the project.

This page is written by `python scripts/coverage.py`, which fails where a line of the texts is in no row or in two, or a claim comes from no line.

"""  # noqa: E501


def page() -> str:
    """The counts, and a table for each text."""
    parts = [HEAD, *_counts(), *map(_text, texts()), *_beyond()]
    return "".join(parts).rstrip() + "\n"


def _counts() -> Iterator[str]:
    yield "| text | lines | passages | tested by claims | corrected | neither |\n"
    yield "| --- | --: | --: | --: | --: | --: |\n"
    rows = [(one.title, one.lines, one.passages) for one in texts()]
    whole = tuple(passage for *_, some in rows for passage in some)
    for title, lines, some in [*rows, ("all", sum(lines for _, lines, _ in rows), whole)]:
        counts = [sum(map(bool, of)) for of in zip(*map(_kinds, some), strict=True)]
        numbers = " | ".join(f"{count:,}" for count in (lines, len(some), *counts))
        yield f"| {title} | {numbers} |\n"
    yield "\n| reason why neither | passages |\n| --- | --: |\n"
    reasons = Counter(one.reason for one in whole if one.reason)
    for key, sentence in REASONS.items():
        yield f"| {sentence} | {reasons.pop(key, 0)} |\n"
    yield f"| Another, which the row gives. | {reasons.total()} |\n\n"


def _kinds(one: Passage) -> tuple[object, object, object]:
    return one.claims, one.errata, one.reason


def _text(text: Text) -> str:
    rows = "".join(
        f"| {place.heading if i == 0 else ''} | {_cell(one.says)} | {became(one)} |\n"
        for place in text.places
        for i, one in enumerate(place.passages)
    )
    head = f"## {text.title}\n\n| place | what it says | what became of it |\n"
    return f"{head}| --- | --- | --- |\n{rows}\n"


def _beyond() -> Iterator[str]:
    if BEYOND:
        yield "## Beyond the texts\n\n| claim | why it is in the lab |\n| --- | --- |\n"
        yield from (f"| {link(number)} | {_cell(why)} |\n" for number, why in BEYOND.items())


def became(one: Passage) -> str:
    """A passage's claims and errata as links, or the reason why it has none."""
    claims = ", ".join(map(link, one.claims))
    wrong = ", ".join(f"[{name}](errata.md#{name.lower()})" for name in one.errata)
    parts = (claims and f"claim {claims}", wrong and f"erratum {wrong}", one.why)
    return _cell("; ".join(filter(None, parts)))


def link(number: str) -> str:
    """A claim as a link to its chapter in docs/findings.md."""
    chapter = number.partition(".")[0]
    anchor = f"{chapter} {CHAPTERS[chapter].title}".lower().replace(" ", "-")
    return f"[{number}](findings.md#{anchor})"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def amiss(folder: Path | None) -> list[str]:
    """All that is wrong; where there is no folder, all that shows without the texts."""
    known = [one.number for one in lab.claims()]
    found = list(faults(texts(), errata(), known, BEYOND))
    if folder:
        for text in texts():
            found += faults_of_lines(text, folder)
    return found


def beside() -> Path | None:
    """The folder `course` beside the data; nothing where no data are named."""
    data = os.environ.get("CUTAWAY_DATA")
    return Path(data).resolve().parent / "course" if data else None


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/coverage.md.")
    parser.add_argument("--texts", type=Path, default=beside(), metavar="DIR")
    folder = parser.parse_args().texts
    if folder is None:
        sys.exit("Where are the texts? Name their folder with --texts DIR, or set CUTAWAY_DATA.")
    try:
        found = amiss(folder)
    except DataError as error:
        sys.exit(str(error))
    if found:
        sys.exit("\n".join(found))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
