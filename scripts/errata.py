"""Write docs/errata.md: what is wrong, half right or misprinted in the course's four texts.

    CUTAWAY_DATA=... python scripts/errata.py

The rows are in src/cutaway/lab/course/errata.toml. Where a claim shows what is true its quick
experiment gives the number; what has been measured before is not measured again. Where a
computation shows it, tests/lab/course/test_errata.py repeats that. A source has the date on which
it was looked up.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from cutaway import lab
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.course import Erratum, errata, texts
from cutaway.lab.evidence import Effect
from cutaway.lab.proving import NoFinding
from cutaway.show.findings import measured

PAGE = Path(__file__).parents[1] / "docs" / "errata.md"
HEAD = """\
# Errata of the course

What is wrong, half right or misprinted in the four texts of the course ([what that is](../README.md#the-course)), text by text. Of what is printed only the symbols or words at issue are given. The last column says how it is known: by a claim of the lab, with the measured figure; by a computation that the tests repeat; or by a source, with the date on which it was looked up, mostly in a stored copy. Slips of spelling are left out. [coverage.md](coverage.md) has all that the texts say.

The texts were read as text files. A misprint may be of such a file alone: where symbols, formulas or figures are missing or stand twice, or lines of an algorithm are set too deep, the book or page behind it may be right.

This page is written by `python scripts/errata.py`: {counts}.

"""  # noqa: E501

Measured = Mapping[tuple[str, str], Effect]
"""Effects by claim and name."""


def page(effects: Measured) -> str:
    """All errata, text by text."""
    kinds = Counter(one.kind for one in errata().values())
    counts = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
    parts = [HEAD.format(counts=counts)]
    for text in texts():
        parts.append(f"## {text.title}\n\n| | place | printed | true | shown by |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        mine = [one for one in errata().values() if one.text == text.key]
        parts += [f"{row(one)} {shown(one, effects)} |\n" for one in mine]
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def row(one: Erratum) -> str:
    """The row without its last cell."""
    mark = f'<a id="{one.id.lower()}"></a>{one.id}, {one.kind}'
    return "| " + " | ".join(map(_cell, (mark, one.place, one.printed, one.true))) + " |"


def shown(one: Erratum, effects: Measured) -> str:
    """How it is known."""
    label = "checked by" if one.check else "source"
    end = "." if one.source else ""
    ground = one.ground and f"{label}: {one.ground}{end}"
    return _cell("; ".join(filter(None, (_claim(one, effects), ground))))


def _claim(one: Erratum, effects: Measured) -> str:
    """The claim that shows it, with the figure where there is one."""
    if not one.claim:
        return ""
    chapter = one.claim.partition(".")[0]
    anchor = f"{chapter} {CHAPTERS[chapter].title}".lower().replace(" ", "-")
    link = f"claim [{one.claim}](findings.md#{anchor})"
    if not one.effect:
        return f"{link}, in a table"
    effect = effects[one.claim, one.effect]
    return f"{link}: {one.what or effect.what}: {measured(effect)}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def prove() -> Measured:
    """The effects of all claims that errata name; ends with a sentence where one is not there."""
    asked = dict.fromkeys(one.claim for one in errata().values() if one.effect)
    effects: dict[tuple[str, str], Effect] = {}
    for found in lab.prove(asked):
        number = found.claim.number
        print(number, file=sys.stderr, flush=True)
        if isinstance(found, NoFinding):
            sys.exit(f"Claim {number} has no finding: {found.reason}")
        effects |= {(number, name): one for name, one in found.evidence.effects.items()}
    for one in errata().values():
        if one.effect and (one.claim, one.effect) not in effects:
            sys.exit(f"Erratum {one.id}: claim {one.claim} has no effect {one.effect}.")
    return effects


if __name__ == "__main__":
    PAGE.write_text(page(prove()), encoding="utf-8")
