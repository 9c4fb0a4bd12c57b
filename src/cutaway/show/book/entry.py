"""One claim as the book shows it."""

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cutaway.figures import Bars, Curves, Figure, Images
from cutaway.lab import course
from cutaway.lab.evidence import Effect, Table, Verdict
from cutaway.lab.experiment import SCALES, Claim, Finding, Scale
from cutaway.lab.proving import NoFinding
from cutaway.show.book.places import Source, sources
from cutaway.show.findings import OPEN, takes
from cutaway.show.prose import typeset
from cutaway.show.words import SPACE, capital, cell

MARKS = {
    Verdict.HOLDS: ("holds", "✓"),
    Verdict.LIMITED: ("limited", "◐"),
    Verdict.FAILS: ("fails", "✗"),
    Verdict.UNDECIDED: ("undecided", "?"),
    Verdict.UNTESTED: ("untested", "○"),
}
"""A CSS class and a sign for each verdict."""
FEW = 4
"""A figure of more columns of pictures than this takes the whole width."""
BESIDE, ROOM = 66, 2.2
"""The widest table beside a figure, in letters, and the room between two columns."""
SHORT = 3
"""A unit of at most so many letters is not separated from its number."""


@dataclass(frozen=True)
class Shown:
    """A figure with what the template needs beside it.

    Attributes:
        note: what its intervals look like, where it has any.
        wide: it takes the whole width; others stand two beside each other.
    """

    figure: Figure
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Measured:
    """An effect in words; `decides` where the rule depends on it."""

    what: str
    value: str
    interval: str
    n: str
    decides: bool


@dataclass(frozen=True)
class Entry:
    """One claim on the page; without evidence where it was left out.

    Attributes:
        sources: where the course's texts say it.
        errata: ids of those that it shows.
        beside, below: tables that stand beside a figure, and those too wide for that.
    """

    claim: Claim
    number: str
    anchor: str
    verdict: str
    kind: str
    mark: str
    command: str
    code: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    errata: tuple[str, ...] = ()
    left: str = ""
    because: str = ""
    takes: str = ""
    settings: str = ""
    seconds: float = 0.0
    machine: str = ""
    measured: tuple[Measured, ...] = ()
    figures: tuple[Shown, ...] = ()
    beside: tuple[Table, ...] = ()
    below: tuple[Table, ...] = ()


def entry(one: Finding | NoFinding) -> Entry:
    """A finding, or what was left out, as the book shows it."""
    claim = one.claim
    build = partial(
        Entry, claim, claim.number, f"claim-{claim.number}",
        code=tuple(map(source, (claim.rule, claim.experiment))), sources=sources(claim.number),
        errata=tuple(one.id for one in course.errata().values() if one.claim == claim.number),
    )  # fmt: skip
    if isinstance(one, NoFinding):
        return build(verdict="left out", kind="left", mark="–", left=one.reason,
                     command=f"cutaway prove {claim.number}")  # fmt: skip
    kind, mark = MARKS[one.verdict]
    decisive = inspect.signature(claim.rule).parameters
    tables = typeset(one.evidence.tables)
    return build(
        verdict=one.verdict.value, kind=kind, mark=mark, command=command(one),
        because=one.evidence.because,
        takes=takes(one) if one.verdict in OPEN else "",
        settings=", ".join(f"{name} {_text(v)}" for name, v in one.settings.items()),
        seconds=one.seconds,
        machine=f"{one.environment['device_name']}, PyTorch {one.environment['torch']}",
        measured=tuple(_measured(e, name in decisive) for name, e in one.evidence.effects.items()),
        figures=tuple(map(shown, typeset(one.evidence.figures))),
        beside=tuple(t for t in tables if width(t) <= BESIDE),
        below=tuple(t for t in tables if width(t) > BESIDE),
    )  # fmt: skip


def command(one: Finding) -> str:
    """Return the command that runs it again: its scale, and the settings that differ from that."""
    scale: Scale = next((s for s in SCALES if one.claim.settle(s) == one.settings), "quick")
    words = ["cutaway", "prove", one.claim.number, *([f"--{scale}"] if scale != "quick" else [])]
    usual = one.claim.settle(scale)
    for name, value in one.settings.items():
        if value != usual[name]:
            words += [f"--{name.replace('_', '-')}", _text(value)]
    return shlex.join(words)


def source(function: Callable[..., Any]) -> str:
    """The source code of a function; empty where it cannot be read."""
    try:
        return inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        return ""


def shown(figure: Figure) -> Shown:
    """A figure with a note on its intervals, and whether it is wide."""
    notes: set[str] = set()
    if isinstance(figure, Curves):
        some = [one for one in figure.series if one.low]
        notes = {"Whiskers" if one.style == "dots" else "Shaded" for one in some}
    elif isinstance(figure, Bars):
        notes = {"Lines across the bars" for one in figure.parts if one.low}
    wide = isinstance(figure, Images) and figure.columns > FEW
    return Shown(figure, " and ".join(sorted(notes)).capitalize(), wide)


def _measured(effect: Effect, decides: bool) -> Measured:
    space = SPACE if len(effect.unit) <= SHORT else " "
    unit = f"{space}{effect.unit}" if effect.unit else ""
    interval = "exact" if effect.exact else ends(_number(effect.low), _number(effect.high))
    n = "" if effect.exact else f"{effect.n:,}"
    what = typeset(capital(effect.what))
    return Measured(what, f"{_number(effect.value)}{unit}", interval, n, decides)


def ends(low: str, high: str) -> str:
    """The ends of an interval in words: `3 to 5`, `180 to 595 million`."""
    power = high.partition(SPACE)[2]
    return f"{low.removesuffix(f'{SPACE}{power}')} to{SPACE}{high}"


def width(table: Table) -> float:
    """The width of a table in letters; names of columns take two lines if need be."""
    rows = [[cell(value) for value in row] for row in table.rows]
    names = [max(len(name) / 2 + 1, *map(len, [*name.split(), ""])) for name in table.columns]
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    longest = [max(map(len, ["", *column])) for column in columns]
    return sum(max(a, b) + ROOM for a, b in zip(names, longest, strict=True))


def _number(value: float) -> str:
    return cell(float(f"{value:.4g}"))


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
