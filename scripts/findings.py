"""Write docs/findings.md: which claims of the course hold, and what was found where one does not.

    CUTAWAY_DATA=... python scripts/findings.py          # quick experiments at three seeds
    CUTAWAY_DATA=... python scripts/findings.py --full
    CUTAWAY_DATA=... python scripts/findings.py 1.3 5    # printed, of these claims alone

What has been found before, by the same code and settings, is not measured again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from cutaway import lab
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.evidence import Verdict
from cutaway.lab.experiment import Finding
from cutaway.lab.proving import NoFinding
from cutaway.show.findings import measured, outcome, summary, takes
from cutaway.show.words import SPACE, capital

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"
HEAD = """\
# Which claims hold

Each claim of the course ([what that is](../README.md#the-course)) is an experiment and a rule that gives a verdict from the measured effects alone. `cutaway prove CLAIM` repeats one; `cutaway prove --book DIR` writes the figures, tables and code of all. Rules are tested on made-up effects.

This page was made with the {kind} experiments (`python scripts/findings.py{flag}`): {summary} It lists all claims, and describes what was measured for each that does not hold, holds only with limits, or could not be decided. At its end are the verdicts for three seeds.

Most rules were written before any result was seen. The rules of 2.4, 2.5, 3.1, 3.2, 3.3, 3.8, 3.10, 4.8, 5.7, 5.9, 5.14, 6.5, 6.8, 7.2, 7.7, 7.10, 7.11 and 8.4, and the designs of 4.5, 4.7, 5.7, 5.14, 6.5, 6.6, 7.11 and 8.3, were revised after a first result; those of 3.3, 5.7, 5.14, 7.7 and 8.4 by someone who knew some of the numbers that they judge. Nearly all of these were then run with seeds that had not been used before (some of 3 to 8), 7.7 with none. 6.6 has had six designs. With the last, its verdict depended on the seed at eight replicates; at sixteen it does not.

"""  # noqa: E501


SEEDS = (0, 1, 2)
Found = Finding | NoFinding


def page(found: list[list[Found]], full: bool) -> str:
    """What was found with the first seed, and the verdicts with all."""
    kind, flag = ("full", " --full") if full else ("quick", "")
    first = [of[0] for of in found]
    counts = summary(first).replace(SPACE, " ")
    head = HEAD.format(kind=kind, flag=flag, summary=counts)
    return head + "".join(_chapters(first)) + "".join(_seeds(found))


def _seeds(found: list[list[Found]]) -> Iterator[str]:
    """A row for each claim that has a seed."""
    drawn = [of for of in found if len(of) > 1]
    same = sum(len({outcome(one) for one in of}) == 1 for of in drawn)
    yield f"## Three seeds\n\nOf {len(drawn)} claims that have a seed {same} have the same verdict "
    yield "at each.\n\n| claim | " + " | ".join(f"seed {seed}" for seed in SEEDS) + " |\n"
    yield "| --- " * (1 + len(SEEDS)) + "|\n"
    for of in drawn:
        yield f"| {of[0].claim.number} | " + " | ".join(map(outcome, of)) + " |\n"


def _chapters(found: list[Found]) -> Iterator[str]:
    for number, chapter in CHAPTERS.items():
        mine = [one for one in found if one.claim.number.split(".")[0] == number]
        if not mine:
            continue
        yield f"## {number} {chapter.title}\n\n| claim | what it says | verdict |\n"
        yield "| --- | --- | --- |\n"
        yield "".join(_row(one) for one in mine)
        yield "\n"
        for one in mine:
            if isinstance(one, Finding) and one.verdict is not Verdict.HOLDS:
                yield _told(one)


def _row(one: Found) -> str:
    says = one.claim.says.replace("|", r"\|")
    return f"| {one.claim.number} | {says} | {outcome(one)} |\n"


def _told(one: Finding) -> str:
    effects = "; ".join(f"{e.what}: {measured(e)}" for e in one.evidence.effects.values())
    more = f" To decide it: {takes(one)}" if one.verdict is Verdict.UNDECIDED else ""
    return (
        f"**{one.claim.number} {capital(one.verdict.value)}.** {one.evidence.because}{more}\n\n"
        f"*{capital(effects)}.*\n\n"
    )


def proved(words: list[str], full: bool) -> Iterator[list[Found]]:
    """Each claim's findings, one for each seed where it has a seed; a seed after the other."""
    known = lab.claims(*words)
    found: dict[str, list[Found]] = {one.number: [] for one in known}
    for seed in SEEDS:
        for claim in known:
            changes = {"seed": seed} if "seed" in claim.settings else {}
            if changes or seed == SEEDS[0]:
                (one,) = lab.prove([claim.number], full=full, changes=changes)
                print(claim.number, f"seed {seed}", outcome(one), file=sys.stderr, flush=True)
                found[claim.number].append(one)
    yield from found.values()


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--full"]
    full = "--full" in sys.argv
    text = page(list(proved(words, full)), full).rstrip() + "\n"
    print(text) if words else PAGE.write_text(text)
