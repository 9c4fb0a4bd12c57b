"""The report of a fleet: the mean with its interval, every member's curve, all of them as one."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutaway.figures import Axis, Curves, Series
from cutaway.files import write_whole
from cutaway.learn.evaluation import number
from cutaway.learn.fleet import Fleet
from cutaway.learn.fleet.ensemble import CurvePoint
from cutaway.learn.fleet.results import FleetResults, Spread
from cutaway.learn.metrics import Metric
from cutaway.learn.run import Run
from cutaway.learn.tasks import metric
from cutaway.show import measures, origins, together
from cutaway.show.curves import PARTS
from cutaway.show.pages.base import Section, Tile
from cutaway.show.render import render
from cutaway.show.words import capital, listed, plural

NAMED = 40
"""Members that have a row of their own."""
SPREAD = (
    "The spread is what chance does to a single run: a difference smaller than this means little."
)


def report(fleet: Fleet) -> Path:
    """Write `report.html` into the directory of a fleet that has ended.

    Raises:
        RunError: the fleet has not ended, or the file cannot be written.
    """
    path = fleet.path / "report.html"
    write_whole(path, render("fleet.html", content(fleet)))
    return path


def content(fleet: Fleet) -> dict[str, Any]:
    """Return all that the template says."""
    results, members, fields = fleet.results, fleet.members, varied(fleet)
    headline = results["headline"]
    result = results["measures"][headline]
    tried, as_one = (
        settings(results),
        ensemble(results.get("curve", []), fleet.members[0].task.pooled),
    )
    return {
        "fleet": fleet,
        "path": shlex.quote(str(fleet.path)),
        "sections": sections(bool(tried), as_one is not None),
        "headline": measures.name(headline),
        "figure": measures.text(headline, result["mean"]),
        "lead": lead(results, fields),
        "tiles": tiles(fleet, results, members),
        "learning": learning(members, headline),
        "spread": spread(headline, result, bool(tried)),
        "together": as_one,
        "varied": fields,
        "settings": tried,
        "rows": rows(fleet, headline, result["values"], fields),
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
    result = results["measures"][name]
    least, most = (measures.text(name, end(result["values"])) for end in (min, max))
    differing = listed([field.replace("_", " ") for field in fields]) or "nothing"
    sentences = [
        f"The mean over {plural(results['members'], 'member')}, which differ in {differing}. 95 % "
        f"interval of the mean: {measures.interval(name, result)}; single members reached {least} "
        f"to {most}."
    ]
    if "ensemble" in results:
        value = measures.text(name, number(results["ensemble"], name))
        sentences.append(f"As an ensemble, by the mean of their probabilities, they reach {value}.")
    return sentences


def varied(fleet: Fleet) -> list[str]:
    """The fields in which the members differ."""
    first = fleet.changes[0]
    return [name for name in first if len({str(c.get(name)) for c in fleet.changes}) > 1]


def tiles(fleet: Fleet, results: FleetResults, members: Sequence[Run]) -> list[Tile]:
    shown = [
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
        shown.insert(1, Tile("Ensemble", measures.text(name, value), wrong))
    seconds = sum(run.timing["train_seconds"] for run in members)
    return [*shown, Tile("Training", f"{seconds:.1f} s", f"of all members; {fleet.way}")]


def learning(members: Sequence[Run], headline: str) -> list[Curves]:
    """Every member's curve of the headline and of the loss, as validated, else as trained."""
    group = together.Group("mean of the members", [run.metrics for run in members], "val")
    figures = []
    for key, figure in together.curves([group], headline).items():
        part, _, measure = key.partition("_")
        title = f"{capital(PARTS[part])} {measures.name(measure)}"
        figures.append(replace(figure, title=title, caption="Thin: each member."))
    return figures


def spread(name: str, result: Spread, settings: bool) -> Curves:
    """The members' test results side by side, with the mean."""
    about, values = metric(name), tuple(result["values"])
    least, most = (measures.brief(about, end(values)) for end in (min, max))
    members = tuple(range(1, len(values) + 1))
    return Curves(
        title=f"Test {measures.name(name)} of each member",
        x=Axis("member", whole=True),
        y=measures.axis(replace(about, begins="own")),
        series=(Series("", members, values, style="dots"),),
        levels=((result["mean"], f"mean {measures.text(name, result['mean'])}"),),
        caption="" if settings else SPREAD,
        summary=f"From {least} to {most}.",
    )


def ensemble(curve: Sequence[CurvePoint], error: Metric | None) -> Curves | None:
    """Error against the number of members of an ensemble; None where they have no mean."""
    if not (curve and error):
        return None
    members, mean, least, most = (
        tuple(row[key] for row in curve) for key in ("members", "error", "least", "most")
    )
    first, last = measures.brief(error, mean[0]), measures.brief(error, mean[-1])
    labels = tuple(
        f"{plural(int(row['members']), 'member')}: error {measures.text('error', row['error'])}"
        for row in curve
    )
    return Curves(
        title="Error of an ensemble, by its number of members",
        x=Axis("members", whole=True),
        y=measures.axis(error),
        series=(
            Series("", members, mean, role="val"),
            Series("", members, mean, least, most, style="dots", labels=labels),
        ),
        caption="Each point is the mean over ensembles of that size, drawn from the members; the "
        "whisker goes from the best to the worst of them.",
        summary=f"From {first} alone to {last} together.",
    )


def settings(results: FleetResults) -> list[tuple[str, int, str, str]]:
    """A row a setting where several were tried: in words, its members, their mean and interval."""
    name, settings = results["headline"], results["settings"]
    rows = []
    for one in settings if len(settings) > 1 else []:
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
