"""The page of a comparison: intervals on one axis, differences, settings, replicates, curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cutaway.files import write_whole
from cutaway.learn.compare import Comparison, Side
from cutaway.learn.compare.sides import Key, key, varying
from cutaway.show import together, verdict
from cutaway.show.intervals import Entry, Intervals, intervals
from cutaway.show.pages.base import Section
from cutaway.show.render import render
from cutaway.show.words import capital, listed
from cutaway.version import __version__

MANY = 30
"""More replicates than this are listed in a table that has to be opened."""


def write(found: Comparison, path: Path) -> None:
    """Write the page as one file that needs nothing beside it.

    Raises:
        RunError: it cannot be written.
    """
    write_whole(path, render("compare.html", content(found)))


def content(found: Comparison) -> dict[str, Any]:
    """Everything that the template says."""
    charts, rows = together.charts(found), verdict.rows(found)
    replicates = _replicates(found)
    sections = (
        Section("result", "Result"),
        Section("settings", "Settings"),
        *((Section("replicates", "Replicates"),) if replicates else ()),
        *((Section("curves", "Curves"),) if charts else ()),
        Section("notes", "How it was done"),
    )
    measure = capital(verdict.name(found))
    return {
        "title": listed([side.name for side in found.sides]),
        "found": found,
        "sections": sections,
        "headline": _headline(found),
        "said": verdict.said(found),
        "measure": measure,
        "what": "fleet" if found.fleets else "run",
        "rows": rows,
        "drawings": _drawings(found, measure, rows),
        "settings": verdict.settings(found),
        "replicates": replicates,
        "many": len(replicates) > MANY,
        "charts": charts,
        "left_out": len(found.sides) - together.MOST,
        "notes": verdict.notes(found),
        "tests": list(dict.fromkeys(one.test for one in found.differences)),
        "looks": [(side.name, _looks(side, found.on)) for side in found.sides],
        "version": __version__,
    }


def _looks(side: Side, on: str) -> int:
    return sum(look["on"] == on for run in side.runs for look in run.looks)


def _headline(found: Comparison) -> tuple[str, str]:
    """The largest figure of the page and what it is: the best one's lead, if it can be told."""
    seen = [one for one in found.differences if one.seen]
    ahead = [one for one in seen if one.gain.value > 0]
    best = max(ahead or seen or found.differences, key=lambda one: abs(one.gain.value))
    if not seen and len(found.differences) > 1:
        return "No significant difference", f"from {found.first.name}"
    forward = best.gain.value >= 0
    gain = best.gain if forward else best.gain.times(-1)
    names = (best.side.name, found.first.name)
    leader, behind = names if forward else names[::-1]
    by = verdict.amount(found.metric, gain.value, gain)
    span = verdict.interval(found.metric, gain)
    if not seen:
        return "No significant difference", f"{leader} leads by {by}, 95 % interval {span}"
    return by, f"{leader} over {behind}, 95 % interval {span}"


def _drawings(found: Comparison, measure: str, rows: Sequence[verdict.Row]) -> list[Intervals]:
    unit, axis = verdict.scale(found.metric), found.metric.axis
    sides = []
    for row, one in zip(rows, found.standings, strict=True):
        label = f"{row.side.name} {row.figure}, 95 % interval {row.interval}"
        values = one.values if found.fleets else ()
        sides.append(Entry(row.side.name, one.estimate, label, values, "one"))
    told = {row.side.name: row for row in rows}
    gains = []
    for difference in found.differences:
        row = told[difference.side.name]
        label = f"{row.side.name} better by {row.gain}, 95 % interval {row.span}"
        kind = "one" if row.seen else "three"
        gains.append(Entry(row.side.name, difference.gain, label, (), kind))
    points = verdict.apart(found.metric) or axis
    return [
        intervals(measure, axis, sides, unit),
        intervals(f"Better than {found.first.name} by", points, gains, unit, zero=True),
    ]


def _replicates(found: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Each replicate of any side with the figures of all sides; a dash where one lacks it."""
    if not found.fleets:
        return []
    by = varying([run for side in found.sides for run in side.runs])
    scale, digits = verdict.scale(found.metric), verdict.decimals(found) + 1
    values: dict[Key, dict[str, str]] = {}
    for one in found.standings:
        for run, value in zip(one.side.runs, one.values, strict=True):
            row = values.setdefault(key(run.recipe), {})
            row[one.side.name] = verdict.number(value * scale, digits)
    return [
        (verdict.replicate(at, by), tuple(row.get(side.name, "–") for side in found.sides))
        for at, row in values.items()
    ]
