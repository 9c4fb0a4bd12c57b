"""The report of a fleet: the mean with its interval, every member's curve, all of them as one."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutaway.files import write_whole
from cutaway.learn.evaluation import number
from cutaway.learn.fleet import Fleet
from cutaway.learn.fleet.ensemble import CurvePoint
from cutaway.learn.fleet.results import FleetResults, Spread
from cutaway.learn.metrics import Metric
from cutaway.learn.run import Run
from cutaway.learn.tasks import metric
from cutaway.show import measures, origins, plots, together
from cutaway.show.axes import axis, whole
from cutaway.show.curves import PARTS, TALL
from cutaway.show.pages.base import Section, Tile
from cutaway.show.plots import Chart
from cutaway.show.render import render
from cutaway.show.words import capital, listed, plural

NAMED = 40
"""Members that have a row of their own."""


def report(fleet: Fleet) -> Path:
    """Write `report.html` into the directory of a fleet that has ended.

    Raises:
        RunError: the fleet has not ended, or the file cannot be written.
    """
    path = fleet.path / "report.html"
    write_whole(path, render("fleet.html", content(fleet)))
    return path


def content(fleet: Fleet) -> dict[str, Any]:
    """What the template says."""
    results, members, fields = fleet.results, fleet.members, varied(fleet)
    headline = results["headline"]
    found = results["measures"][headline]
    tried, as_one = (
        settings(results),
        ensemble(results.get("curve", []), fleet.members[0].task.pooled),
    )
    return {
        "fleet": fleet,
        "path": shlex.quote(str(fleet.path)),
        "sections": sections(bool(tried), as_one is not None),
        "headline": measures.name(headline),
        "figure": measures.text(headline, found["mean"]),
        "lead": lead(results, fields),
        "tiles": tiles(fleet, results, members),
        "learning": learning(members, headline),
        "spread": spread(headline, found),
        "together": as_one,
        "varied": fields,
        "settings": tried,
        "rows": rows(fleet, headline, found["values"], fields),
        "few": NAMED,
        "version": members[0].environment.get("cutaway", ""),
    }


def sections(tried: bool, as_one: bool) -> list[Section]:
    """The parts of the page, for the links in its head."""
    return [
        Section("result", "Result"),
        Section("members", "Members"),
        *([Section("settings", "What was tried")] if tried else []),
        Section("learning", "Learning"),
        *([Section("together", "Ensemble")] if as_one else []),
        Section("next", "Next"),
    ]


def lead(results: FleetResults, fields: Sequence[str]) -> list[str]:
    """In words: the mean and what its interval is over."""
    name = results["headline"]
    found = results["measures"][name]
    least, most = (measures.text(name, end(found["values"])) for end in (min, max))
    differing = listed([field.replace("_", " ") for field in fields]) or "nothing"
    said = [
        f"The mean over {plural(results['members'], 'member')}, which differ in {differing}. 95 % "
        f"interval of the mean: {measures.interval(name, found)}; single members reached {least} "
        f"to {most}."
    ]
    if "ensemble" in results:
        value = measures.text(name, number(results["ensemble"], name))
        said.append(f"As an ensemble, by the mean of their probabilities, they reach {value}.")
    return said


def varied(fleet: Fleet) -> list[str]:
    """The fields in which the members differ."""
    first = fleet.changes[0]
    return [name for name in first if len({str(c.get(name)) for c in fleet.changes}) > 1]


def tiles(fleet: Fleet, results: FleetResults, members: Sequence[Run]) -> list[Tile]:
    found = [
        Tile(
            capital(measures.name(name)),
            measures.text(name, one["mean"]),
            measures.interval(name, one),
        )
        for name, one in results["measures"].items()
    ]
    if "ensemble" in results:
        name = results["headline"]
        value = number(results["ensemble"], name)
        wrong = f"error {measures.text('error', 1 - value)}" if metric(name).binary else ""
        found.insert(1, Tile("Ensemble", measures.text(name, value), wrong))
    seconds = sum(run.timing["train_seconds"] for run in members)
    return [*found, Tile("Training", f"{seconds:.1f} s", f"of all members; {fleet.way}")]


def learning(members: Sequence[Run], headline: str) -> list[Chart]:
    """Every member's curve of the headline and of the loss, as validated, else as trained."""
    group = together.Group("mean", [run.metrics for run in members], "val", "member")
    found = []
    for key, chart in together.curves([group], headline).items():
        part, _, measure = key.partition("_")
        title = f"{capital(PARTS[part])} {measures.name(measure)}"
        keys = (("val", "mean"), ("member", "members"))
        found.append(replace(chart, title=title, caption="", keys=keys))
    return found


def spread(name: str, found: Spread) -> Chart:
    """The members' test results side by side, with the mean."""
    about, values = metric(name), found["values"]
    x = plots.across(0.5, len(values) + 0.5)
    y = axis(replace(about, begins="own"), [*values, found["low"], found["high"]], TALL)
    dots = tuple(
        plots.Dot(x(k + 1), y.scale(v), 4, y.scale(v), y.scale(v), f"member {k + 1}: {y.text(v)}")
        for k, v in enumerate(values)
    )
    return Chart(
        title=f"Test {measures.name(name)} of each member",
        summary=f"From {y.brief(min(values))} to {y.brief(max(values))}.",
        x_label="member",
        y_label=y.label,
        height=TALL,
        x_ticks=whole(x),
        y_ticks=y.ticks,
        dots=dots,
        levels=(plots.Level(y.scale(found["mean"]), f"mean {measures.text(name, found['mean'])}"),),
    )


def ensemble(curve: Sequence[CurvePoint], error: Metric | None) -> Chart | None:
    """Error against the number of members of an ensemble; None where they have no mean."""
    if not (curve and error):
        return None
    x = plots.across(0.5, len(curve) + 0.5)
    ends = [row[key] for row in curve for key in ("least", "most", "error")]
    y = axis(error, ends, TALL)
    mean = [(row["members"], row["error"]) for row in curve]
    dots = tuple(
        plots.Dot(
            x(row["members"]), y.scale(row["error"]), 4, y.scale(row["least"]),
            y.scale(row["most"]), f"{row['members']} members: error {y.text(row['error'])}",
        )
        for row in curve
    )  # fmt: skip
    return Chart(
        title="Error of an ensemble, by its number of members",
        summary=f"From {y.brief(mean[0][1])} alone to {y.brief(mean[-1][1])} together.",
        x_label="members",
        y_label=y.label,
        height=TALL,
        x_ticks=whole(x),
        y_ticks=y.ticks,
        lines=(plots.line("mean", "val", mean, x, y.scale, lambda _: ""),),
        dots=dots,
    )


def settings(results: FleetResults) -> list[tuple[str, int, str, str]]:
    """Where several were tried: each in words, its members, their mean and its interval."""
    name, found = results["headline"], results["settings"]
    rows = []
    for one in found if len(found) > 1 else []:
        values, count = one["measures"][name], len(one["members"])
        interval = measures.interval(name, values) if count > 1 else "one member only"
        mean = measures.text(name, values["mean"])
        rows.append((origins.changes(one["changes"]), count, mean, interval))
    return rows


def rows(
    fleet: Fleet, headline: str, values: Sequence[float], fields: Sequence[str]
) -> list[tuple[str, list[str], str]]:
    """Each member's directory, in what it differs, and its headline."""
    return [
        (
            str(fleet.place(k).relative_to(fleet.path)),
            [origins.setting(changes[field]) for field in fields],
            measures.text(headline, values[k]),
        )
        for k, changes in enumerate(fleet.changes[:NAMED])
    ]
