"""The page of a comparison: intervals on one axis, differences, settings, replicates, curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cutaway
from cutaway.files import write_whole
from cutaway.learn.compare import Comparison, Difference
from cutaway.learn.compare.sides import key, varying
from cutaway.show import together, verdict
from cutaway.show.intervals import Entry, Intervals, intervals
from cutaway.show.meanings import meaning
from cutaway.show.pages.base import Section
from cutaway.show.render import render

MANY = 30
"""More replicates than this are listed in a table that has to be opened."""


@dataclass(frozen=True)
class Row:
    """A side as the table of results has it; the first has no difference."""

    name: str
    path: str
    figure: str
    interval: str
    gain: str = ""
    span: str = ""
    p: str = ""
    seen: bool = False


def write(found: Comparison, path: Path) -> None:
    """Write the page as one file that needs nothing beside it.

    Raises:
        RunError: it cannot be written.
    """
    write_whole(path, render("compare.html", content(found)))


def content(found: Comparison) -> dict[str, Any]:
    """Everything that the template says."""
    charts = together.charts(found)
    replicates = _replicates(found)
    sections = (
        Section("result", "Result"),
        Section("settings", "Settings"),
        *((Section("replicates", "Replicates"),) if replicates else ()),
        *((Section("curves", "Curves"),) if charts else ()),
        Section("notes", "How it was done"),
    )
    names = [side.name for side in found.sides]
    return {
        "title": " and ".join((", ".join(names[:-1]), names[-1])),
        "found": found,
        "sections": sections,
        "headline": _headline(found),
        "said": verdict.said(found),
        "measure": _capital(verdict.name(found.measure, found.fleets)),
        "what": "fleet" if found.fleets else "run",
        "rows": _rows(found),
        "drawings": _drawings(found),
        "settings": verdict.settings(found),
        "replicates": replicates,
        "many": len(replicates) > MANY,
        "charts": charts,
        "left_out": len(found.sides) - together.MOST,
        "notes": verdict.notes(found),
        "tests": list(dict.fromkeys(one.test for one in found.differences)),
        "looks": [(side.name, len(_looks(found, side.runs))) for side in found.sides],
        "version": cutaway.__version__,
    }


def _looks(found: Comparison, runs: Any) -> list[dict[str, Any]]:
    return [look for run in runs for look in run.looks if look["on"] == found.on]


def _headline(found: Comparison) -> tuple[str, str]:
    """The largest figure of the page and what it is: the best one's lead, if it can be told."""
    seen = [one for one in found.differences if one.seen]
    ahead = [one for one in seen if one.gain.value > 0]
    best = max(ahead or seen or found.differences, key=lambda one: abs(one.gain.value))
    if not seen and len(found.differences) > 1:
        return "No difference", f"from {found.first.name} that can be told"
    forward = best.gain.value >= 0
    gain = best.gain if forward else best.gain.times(-1)
    names = (best.side.name, found.first.name)
    leader, behind = names if forward else names[::-1]
    by = verdict.amount(found.measure, gain.value, gain)
    span = verdict.interval(found.measure, gain)
    if not seen:
        return "No difference", f"that can be told: {leader} leads by {by}, 95 % interval {span}"
    return by, f"{leader} over {behind}, 95 % interval {span}"


def _rows(found: Comparison) -> list[Row]:
    differences = {one.side.name: one for one in found.differences}
    rows = []
    for one in found.standings:
        own = (one.side.name, str(one.side.path), *verdict.standing(found, one))
        rows.append(Row(*own, *_told(found, differences.get(one.side.name))))
    return rows


def _told(found: Comparison, one: Difference | None) -> tuple[Any, ...]:
    if one is None:
        return ()
    by = verdict.amount(found.measure, one.gain.value, one.gain)
    return by, verdict.interval(found.measure, one.gain), verdict.tail(one.p), one.seen


def _drawings(found: Comparison) -> list[Intervals]:
    unit, share = verdict.scale(found.measure), verdict.scale(found.measure) == 100
    sides = []
    for one in found.standings:
        figure, span = verdict.standing(found, one)
        label = f"{one.side.name} {figure}, 95 % interval {span}"
        values = one.values if found.fleets else ()
        sides.append(Entry(one.side.name, one.estimate, label, values, "one"))
    gains = []
    for difference in found.differences:
        by, span, *_ = _told(found, difference)
        label = f"{difference.side.name} better by {by}, 95 % interval {span}"
        kind = "one" if difference.seen else "three"
        gains.append(Entry(difference.side.name, difference.gain, label, (), kind))
    name = _capital(verdict.name(found.measure, found.fleets))
    axis = meaning(found.measure.key).axis
    if verdict.UNITS.get(found.measure.key) == "nats":
        axis = "nats an image"
    points = "points" if share else verdict.UNITS.get(found.measure.key, axis)
    return [
        intervals(name, axis, sides, unit),
        intervals(f"Better than {found.first.name} by", points, gains, unit, zero=True),
    ]


def _replicates(found: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Each replicate of any side with the figures of all sides; a dash where one lacks it."""
    if not found.fleets:
        return []
    by = varying([run for side in found.sides for run in side.runs])
    values: dict[Any, dict[str, str]] = {}
    names: dict[Any, str] = {}
    for one in found.standings:
        for run, value in zip(one.side.runs, one.values, strict=True):
            at = key(run.recipe)
            names[at] = verdict.replicate(run.recipe, by)
            digits = verdict.decimals(found) + 1
            text = verdict.number(value * verdict.scale(found.measure), digits)
            values.setdefault(at, {})[one.side.name] = text
    return [
        (names[at], tuple(row.get(side.name, "–") for side in found.sides))
        for at, row in values.items()
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
