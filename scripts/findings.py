"""Write docs/findings.md: which claims of the course hold, and what was found where one does not.

    CUTAWAY_DATA=... python scripts/findings.py          # quick experiments, some minutes
    CUTAWAY_DATA=... python scripts/findings.py --full

What has been found before, by the same code and settings, is not measured again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from cutaway import lab
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.evidence import Verdict
from cutaway.lab.experiment import Finding
from cutaway.lab.proving import Left
from cutaway.show.findings import measured, outcome, summary, takes
from cutaway.show.words import SPACE, capital

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"
HEAD = """\
# What was found

Every claim of the course is an experiment with a rule on the measured effects alone, written first and tested on planted effects; those of 3.1, 3.8, 4.8, 5.14, 7.2, 7.7, 7.10, 7.11 and 8.4 were changed after a first result, as were designs of 4.5, 4.7, 6.5, 5.14 and 7.11 (`cutaway prove`; `cutaway prove --book DIR` writes the figures, tables and code of all). This page is of the {kind} experiments (`python scripts/findings.py{flag}`): {summary} It tells what was found for each claim that does not hold, holds only with limits, or could not be decided.

"""  # noqa: E501


def page(found: list[Finding | Left], full: bool) -> str:
    kind, flag = ("full", " --full") if full else ("quick", "")
    counts = summary(found).replace(SPACE, " ")
    return HEAD.format(kind=kind, flag=flag, summary=counts) + "".join(_chapters(found))


def _chapters(found: list[Finding | Left]) -> Iterator[str]:
    for number, chapter in CHAPTERS.items():
        mine = [one for one in found if one.claim.number.split(".")[0] == number]
        yield f"## {number} {chapter.title}\n\n| claim | what it says | verdict |\n"
        yield "| --- | --- | --- |\n"
        yield "".join(_row(one) for one in mine)
        yield "\n"
        for one in mine:
            if isinstance(one, Finding) and one.verdict is not Verdict.HOLDS:
                yield _told(one)


def _row(one: Finding | Left) -> str:
    says = one.claim.says.replace("|", r"\|")
    return f"| {one.claim.number} | {says} | {outcome(one)} |\n"


def _told(one: Finding) -> str:
    effects = "; ".join(f"{e.what}: {measured(e)}" for e in one.evidence.effects.values())
    more = f" To decide it: {takes(one)}" if one.verdict is Verdict.UNDECIDED else ""
    return (
        f"**{one.claim.number} {capital(one.verdict.value)}.** {one.evidence.because}{more}\n\n"
        f"*{capital(effects)}.*\n\n"
    )


if __name__ == "__main__":
    full = "--full" in sys.argv
    everything = []
    for one in lab.prove(full=full):
        print(one.claim.number, outcome(one), flush=True)
        everything.append(one)
    PAGE.write_text(page(everything, full).rstrip() + "\n")
