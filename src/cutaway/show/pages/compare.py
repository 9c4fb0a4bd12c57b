"""The page of a comparison: intervals on one axis, differences, settings, replicates, curves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutaway.figures import Axis, Interval, Intervals
from cutaway.files import write_whole
from cutaway.learn.compare import Comparison, Side
from cutaway.learn.compare.sides import Key, key, varying
from cutaway.learn.stats import Estimate
from cutaway.show import together, verdict
from cutaway.show.pages.base import Section
from cutaway.show.render import render
from cutaway.show.words import capital, listed
from cutaway.version import __version__

MANY = 30
"""More replicates than this are listed in a table that has to be opened."""


def write(comparison: Comparison, path: Path) -> None:
    """Write the page as one file that needs nothing beside it.

    Raises:
        RunError: it cannot be written.
    """
    write_whole(path, render("compare.html", content(comparison)))


def content(comparison: Comparison) -> dict[str, Any]:
    """The values of the template."""
    curves, rows = together.figures(comparison), verdict.rows(comparison)
    replicates = _replicates(comparison)
    sections = (
        Section("result", "Result"),
        Section("settings", "Settings"),
        *((Section("replicates", "Replicates"),) if replicates else ()),
        *((Section("curves", "Curves"),) if curves else ()),
        Section("notes", "How it was done"),
    )
    measure = capital(verdict.name(comparison))
    return {
        "title": listed([side.name for side in comparison.sides]),
        "comparison": comparison,
        "sections": sections,
        "headline": _headline(comparison),
        "sentences": verdict.sentences(comparison),
        "measure": measure,
        "what": "fleet" if comparison.fleets else "run",
        "rows": rows,
        "intervals": _intervals(comparison, measure, rows),
        "settings": verdict.settings(comparison),
        "replicates": replicates,
        "many": len(replicates) > MANY,
        "curves": curves,
        "left_out": len(comparison.sides) - together.MOST,
        "notes": verdict.notes(comparison),
        "tests": list(dict.fromkeys(one.test for one in comparison.differences)),
        "looks": [(side.name, _evaluations(side, comparison.on)) for side in comparison.sides],
        "version": __version__,
    }


def _evaluations(side: Side, on: str) -> int:
    return sum(look["on"] == on for run in side.runs for look in run.looks)


def _headline(comparison: Comparison) -> tuple[str, str]:
    """The page's largest figure and its caption: the best side's lead, if it is significant."""
    seen = [one for one in comparison.differences if one.seen]
    ahead = [one for one in seen if one.gain.value > 0]
    best = max(ahead or seen or comparison.differences, key=lambda one: abs(one.gain.value))
    if not seen and len(comparison.differences) > 1:
        return "No significant difference", f"from {comparison.first.name}"
    forward = best.gain.value >= 0
    gain = best.gain if forward else best.gain.times(-1)
    names = (best.side.name, comparison.first.name)
    leader, behind = names if forward else names[::-1]
    by = verdict.amount(comparison.metric, gain.value, gain)
    span = verdict.interval(comparison.metric, gain)
    if not seen:
        return "No significant difference", f"{leader} leads by {by}, 95 % interval {span}"
    return by, f"{leader} over {behind}, 95 % interval {span}"


def _intervals(
    comparison: Comparison, measure: str, rows: Sequence[verdict.Row]
) -> list[Intervals]:
    """The intervals of the sides, and of their differences from the first one."""
    unit, axis = verdict.scale(comparison.metric), comparison.metric.axis
    first = comparison.first.name
    sides = []
    for row, one in zip(rows, comparison.standings, strict=True):
        label = f"{row.side.name} {row.figure}, 95 % interval {row.interval}"
        values = one.values if comparison.fleets else ()
        sides.append(_interval(row.side.name, one.estimate.times(unit), label, values, unit))
    by_side = {row.side.name: row for row in rows}
    gains = []
    for difference in comparison.differences:
        row = by_side[difference.side.name]
        label = f"{row.side.name} better by {row.gain}, 95 % interval {row.span}"
        gain = _interval(row.side.name, difference.gain.times(unit), label)
        gains.append(gain if row.seen else replace(gain, role="quiet"))
    circles = "; small circles: the replicates" if comparison.fleets else ""
    return [
        Intervals(measure, Axis(axis), tuple(sides), caption=f"Bars: 95 % intervals{circles}."),
        Intervals(
            f"Better than {first} by",
            Axis(verdict.apart(comparison.metric) or axis),
            tuple(gains),
            reference=0.0,
            caption=f"Right of the line is better than {first}, left of it worse; a bar that "
            "crosses the line leaves it open.",
        ),
    ]


def _interval(
    name: str, estimate: Estimate, label: str, values: Sequence[float] = (), unit: float = 1.0
) -> Interval:
    own = tuple(value * unit for value in values)
    return Interval(name, estimate.value, estimate.low, estimate.high, own, label)


def _replicates(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Each replicate of any side with the figures of all sides; a dash where one lacks it."""
    if not comparison.fleets:
        return []
    by = varying([run for side in comparison.sides for run in side.runs])
    scale, digits = verdict.scale(comparison.metric), verdict.decimals(comparison) + 1
    values: dict[Key, dict[str, str]] = {}
    for one in comparison.standings:
        for run, value in zip(one.side.runs, one.values, strict=True):
            row = values.setdefault(key(run.recipe), {})
            row[one.side.name] = verdict.number(value * scale, digits)
    return [
        (verdict.replicate(at, by), tuple(row.get(side.name, "–") for side in comparison.sides))
        for at, row in values.items()
    ]
