"""Write docs/findings.md: which claims of the course hold, and what was found where one does not.

    CUTAWAY_DATA=... python scripts/findings.py              # quick experiments at three seeds
    CUTAWAY_DATA=... python scripts/findings.py --evening    # those on real data too: hours
    CUTAWAY_DATA=... python scripts/findings.py --evening 6.1 7   # and no page
    CUTAWAY_DATA=... python scripts/findings.py 1.3 5        # printed, of these claims alone

What has been found before, by the same code and settings, is not measured again. What evenings
found is kept in docs/evening.json, effect by effect, and judged by the rules of today.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cutaway import lab
from cutaway.data.cache import digest
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.code import code_of
from cutaway.lab.evidence import Evidence, Verdict
from cutaway.lab.experiment import Claim, Finding, Scale
from cutaway.lab.proving import NoFinding
from cutaway.lab.serialization import pack, unpack
from cutaway.processes import cpus
from cutaway.show.findings import OPEN, measured, outcome, summary, takes
from cutaway.show.words import SPACE, capital

DOCS = Path(__file__).parents[1] / "docs"
PAGE, EVENINGS = DOCS / "findings.md", DOCS / "evening.json"
SEEDS = (0, 1, 2)
Found = Finding | NoFinding
HEAD = """\
# Which claims hold

Each claim of the course ([what that is](../README.md#the-course)) is an experiment and a rule that gives a verdict from the measured effects alone. `cutaway prove CLAIM` repeats one; `cutaway prove --book DIR` writes the figures, tables and code of all. Rules are tested on made-up effects, and in worlds made to fool them.

Experiments have three sizes. *Quick* ones take seconds, on embedded and generated data: {quick} *Evening* ones (`cutaway prove --evening`) take MNIST, CIFAR-10 and the Moon rocks, and a few minutes each: {evening} *Full* ones are as large as the papers. Claims whose quick experiment decides by itself have no other. Where quick and evening differ, the page says which to believe.

This page is written by `python scripts/findings.py`. It lists all claims, and describes what was measured for each that does not hold, holds only with limits, could not be decided or was not tested. At its end are the rules that were changed after a result was seen, and the verdicts for three seeds.

"""  # noqa: E501


@dataclass(frozen=True)
class Row:
    """A claim with what was found, a finding for each seed.

    Attributes:
        evening: empty where the claim has no evening settings, or none was measured.
        stale: the evening's experiment has been changed since.
    """

    claim: Claim
    quick: list[Found]
    evening: list[Finding]
    stale: bool = False


def page(rows: list[Row]) -> str:
    """What was found with the first seed, and the verdicts with all."""
    quick, evening = [row.quick[0] for row in rows], [row.evening[0] for row in rows if row.evening]
    counted = [summary(some).replace(SPACE, " ") for some in (quick, evening)]
    head = HEAD.format(quick=counted[0], evening=counted[1] if evening else "none was measured.")
    return head + "".join([*_chapters(rows), *_revised(rows), *_seeds(rows)])


def _chapters(rows: list[Row]) -> Iterator[str]:
    for number, chapter in CHAPTERS.items():
        mine = [row for row in rows if row.claim.number.split(".")[0] == number]
        if not mine:
            continue
        yield f"## {number} {chapter.title}\n\n| claim | what it says | quick | evening |\n"
        yield "| --- | --- | --- | --- |\n"
        yield "".join(map(_line, mine))
        yield "\n"
        yield "".join(map(_told, mine))


def wordless(rows: list[Row]) -> str:
    """Which claims' quick and evening verdicts differ without a word on which to believe."""
    some = [
        row.claim.number
        for row in rows
        if row.evening
        and not row.claim.differs
        and {*map(outcome, row.quick)} != {*map(outcome, row.evening)}
    ]
    return f"Which to believe, quick or evening, is to be said of {', '.join(some)}." * bool(some)


def _line(row: Row) -> str:
    says = row.claim.says.replace("|", r"\|")
    return f"| {row.claim.number} | {says} | {_verdicts(row.quick)} | {_verdicts(row.evening)} |\n"


def _verdicts(found: list[Any]) -> str:
    """One verdict where all seeds agree; else each."""
    return " / ".join(dict.fromkeys(map(outcome, found)))


def _told(row: Row) -> str:
    """What was measured, unless the claim simply holds."""
    quick, evening = row.quick[0], row.evening[0] if row.evening else None
    told = ""
    if isinstance(quick, Finding) and quick.verdict is not Verdict.HOLDS:
        told += f"**{row.claim.number} {capital(quick.verdict.value)}.** {_measured(quick)}"
    if evening and (told or evening.verdict is not Verdict.HOLDS):
        old = " (with an earlier version of the experiment)" if row.stale else ""
        told += f"**{row.claim.number}, evening{old}: {evening.verdict.value}.** "
        told += _measured(evening)
    if row.claim.differs and evening and outcome(quick) != outcome(evening):
        told += f"*Which to believe:* {row.claim.differs}\n\n"
    if told and row.claim.baseline:
        told += f"*Baseline:* {row.claim.baseline}\n\n"
    return told


def _measured(one: Finding) -> str:
    effects = "; ".join(f"{e.what}: {measured(e)}" for e in one.evidence.effects.values())
    more = f" To decide it: {takes(one)}" if one.verdict in OPEN else ""
    return f"{one.evidence.because}{more}\n\n*{capital(effects)}.*\n\n"


def _revised(rows: list[Row]) -> Iterator[str]:
    revised = [row.claim for row in rows if row.claim.revised]
    if revised:
        yield "## Rules and designs that were changed after a result was seen\n\n"
        yield "| claim | when, why, and with which unseen seeds it was run then |\n| --- | --- |\n"
        yield from (f"| {one.number} | {one.revised} |\n" for one in revised)
        yield "\n"


def _seeds(rows: list[Row]) -> Iterator[str]:
    """A line for each claim that has a seed."""
    drawn = [row for row in rows if len(row.quick) > 1]
    yield "## Three seeds\n\n"
    for name, found in (
        ("quick", [row.quick for row in drawn]),
        ("evening", [row.evening for row in drawn if len(row.evening) > 1]),
    ):
        same = sum(len(set(map(outcome, of))) == 1 for of in found)
        yield f"{capital(name)}: {same} of {len(found)} claims have the same verdict at each. "
    yield "\n\n| claim | quick, seeds 0, 1 and 2 | evening |\n| --- | --- | --- |\n"
    for row in drawn:
        quick, evening = (" / ".join(map(outcome, of)) for of in (row.quick, row.evening))
        yield f"| {row.claim.number} | {quick} | {evening} |\n"


def prove(claims: list[Claim], scale: Scale) -> dict[str, list[Found]]:
    """Each claim's findings, one for each seed where it has a seed; a seed after the other.

    Of evenings only what docs/evening.json lacks.
    """
    found: dict[str, list[Found]] = {one.number: [] for one in claims}
    for seed in SEEDS:
        some = [one for one in claims if "seed" in one.settings]
        kinds = [(some, {"seed": seed})]
        if seed == SEEDS[0]:
            kinds.append(([one for one in claims if one not in some], {}))
        for group, changes in kinds:
            lacking = [one for one in group if scale == "quick" or not is_kept(one, changes)]
            for one in side_by_side(lacking, scale, changes):
                print(one.claim.number, scale, changes, outcome(one), file=sys.stderr, flush=True)
                found[one.claim.number].append(one)
                if scale == "evening" and isinstance(one, Finding):
                    keep(one)
    return found


def side_by_side(claims: list[Claim], scale: Scale, changes: dict[str, int]) -> Iterator[Found]:
    numbers = [one.number for one in claims]
    if numbers:
        yield from lab.prove(numbers, scale=scale, changes=changes, processes=cpus())


def kept() -> dict[str, dict[str, Any]]:
    """What evenings found: by claim and seed."""
    return json.loads(EVENINGS.read_text()) if EVENINGS.exists() else {}


def code(claim: Claim, settings: dict[str, Any]) -> str:
    return digest(code_of(claim), sorted(settings.items()))


def is_kept(claim: Claim, changes: dict[str, int]) -> bool:
    """Whether an evening of the same code and settings is there."""
    row = kept().get(claim.number, {}).get(str(changes.get("seed", 0)), {})
    return bool(row) and row["code"] == code(claim, claim.settle("evening", **changes))


def keep(one: Finding) -> None:
    """Write an evening's finding beside those that are there."""
    rows = kept()
    evidence = replace(one.evidence, tables=(), figures=())
    rows.setdefault(one.claim.number, {})[str(one.settings.get("seed", 0))] = {
        "code": code(one.claim, one.settings),
        "seconds": one.seconds,
        "environment": one.environment,
        "evidence": pack(evidence),
    }
    in_order = {number: rows[number] for number in sorted(rows, key=_order)}
    EVENINGS.write_text(json.dumps(in_order, indent=1, ensure_ascii=False) + "\n")


def kept_evening(claim: Claim) -> tuple[list[Finding], bool]:
    """What evenings found of a claim, seed by seed, and whether its experiment was changed since.

    What the rule of today cannot judge is left out.
    """
    found, stale = [], False
    for seed, row in sorted(kept().get(claim.number, {}).items()):
        changes = {"seed": int(seed)} if "seed" in claim.settings else {}
        evidence: Evidence = unpack(row["evidence"])
        settings = claim.settle("evening", **changes)
        one = Finding(claim, settings, evidence, row["seconds"], row["environment"])
        try:
            _ = one.verdict
        except KeyError:
            continue
        found.append(one)
        stale |= not is_kept(claim, changes)
    return found, stale


def _order(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    claims = lab.claims(*words)
    if "--evening" in sys.argv:
        prove([one for one in claims if one.evening], "evening")
    if words and "--evening" in sys.argv:
        sys.exit()
    if words:
        quick = prove(claims, "quick")
        print(page([Row(one, quick[one.number], *kept_evening(one)) for one in claims]))
    else:
        claims = lab.claims()
        quick = prove(claims, "quick")
        rows = [Row(one, quick[one.number], *kept_evening(one)) for one in claims]
        PAGE.write_text(page(rows).rstrip() + "\n")
        sys.exit(wordless(rows) or None)
