"""The report of a fleet: the mean with its interval, every member's curve, all of them as one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cutaway.files import write_whole
from cutaway.learn.fleet import Fleet
from cutaway.show import measures, plots
from cutaway.show.axes import axis, short
from cutaway.show.meanings import meaning
from cutaway.show.pages.base import Section, Tile
from cutaway.show.plots import Chart
from cutaway.show.render import render
from cutaway.show.words import percent, plural

TALL = 240
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
    results = fleet.results
    headline = results["headline"]
    one = together(results)
    return {
        "fleet": fleet,
        "sections": (
            Section("result", "Result"),
            Section("members", "Members"),
            Section("learning", "Learning"),
            *((Section("together", "As one"),) if one else ()),
            Section("next", "Next"),
        ),
        "headline": measures.name(headline),
        "figure": measures.text(headline, results["measures"][headline]["mean"]),
        "lead": lead(fleet),
        "tiles": tiles(fleet),
        "learning": learning(fleet),
        "spread": spread(fleet),
        "together": one,
        "varied": varied(fleet),
        "settings": settings(fleet),
        "rows": rows(fleet),
        "few": NAMED,
        "version": fleet.members[0].environment.get("cutaway", ""),
    }


def lead(fleet: Fleet) -> list[str]:
    """In words: the mean and what its interval is over."""
    results = fleet.results
    name = results["headline"]
    found = results["measures"][name]
    low, high = (measures.text(name, found[key]) for key in ("low", "high"))
    least, most = (measures.text(name, end(found["values"])) for end in (min, max))
    said = [
        f"The mean over {plural(len(fleet), 'member')}, which differ in {differing(fleet)}. "
        f"95 % interval of the mean: {low} to {high}; a single member came to between {least} "
        f"and {most}."
    ]
    if "ensemble" in results:
        value = percent(results["ensemble"]["accuracy"], 2)
        said.append(f"Answering as one, by the mean of their probabilities, they reach {value}.")
    return said


def differing(fleet: Fleet) -> str:
    names = [name.replace("_", " ") for name in varied(fleet)]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"


def varied(fleet: Fleet) -> list[str]:
    """The fields in which the members differ."""
    first = fleet.changes[0]
    return [name for name in first if len({str(c.get(name)) for c in fleet.changes}) > 1]


def tiles(fleet: Fleet) -> list[Tile]:
    results = fleet.results
    found = [
        Tile(
            measures.name(name).capitalize(),
            measures.text(name, one["mean"]),
            f"{measures.text(name, one['low'])} to {measures.text(name, one['high'])}",
        )
        for name, one in results["measures"].items()
    ]
    if "ensemble" in results:
        ensemble = results["ensemble"]
        wrong = percent(1 - ensemble["accuracy"], 2)
        found.insert(1, Tile("As one", percent(ensemble["accuracy"], 2), f"error {wrong}"))
    seconds = sum(run.timing["train_seconds"] for run in fleet.members)
    found.append(Tile("Training", f"{seconds:.1f} s", f"of all members; {fleet.way}"))
    return found


def learning(fleet: Fleet) -> list[Chart]:
    """Every member's curve of the headline and of the loss, as validated, else as trained."""
    wanted = dict.fromkeys((fleet.results["headline"], "loss"))
    first = fleet.members[0].metrics[0]
    keys = [next((f"{p}_{m}" for p in ("val", "train") if f"{p}_{m}" in first), "") for m in wanted]
    return [_curves(fleet, key) for key in keys if key]


def _curves(fleet: Fleet, key: str) -> Chart:
    part, _, measure = key.partition("_")
    members = [[(row["epoch"], row[key]) for row in run.metrics] for run in fleet.members]
    epochs = min(map(len, members))
    mean = [
        (members[0][i][0], sum(one[i][1] for one in members) / len(members)) for i in range(epochs)
    ]
    about = meaning(measure)
    last = max(one[-1][0] for one in members)
    x = plots.across(1, last) if last > 1 else plots.across(0, 2)
    y = axis(about, [value for one in members for _, value in one], TALL)
    lines = [
        plots.line(f"member {k + 1}", "member", one, x, y.scale, lambda _: "")
        for k, one in enumerate(members)
    ]
    lines = [replace(line, labels=()) for line in lines]
    lines.append(
        plots.line(
            "mean", "val", mean, x, y.scale, lambda p: f"epoch {p[0]:g}, mean {y.text(p[1])}"
        )
    )
    word = {"val": "Validation", "train": "Training"}[part]
    return Chart(
        f"{word} {about.title[0].lower()}{about.title[1:]}",
        f"{len(members)} curves; the mean ends at {y.brief(mean[-1][1])}.",
        "epoch", about.axis, TALL,
        plots.place(plots.round_ticks(x.low, x.high, whole=True), x, short), y.ticks,
        tuple(lines), keys=(("val", "mean"), ("member", "members")),
    )  # fmt: skip


def spread(fleet: Fleet) -> Chart:
    """The members' test results side by side, with the mean."""
    name = fleet.results["headline"]
    found = fleet.results["measures"][name]
    about = meaning(name)
    x = plots.across(0.5, len(fleet) + 0.5)
    begins = about.begins if about.begins == "share" else "own"
    y = axis(replace(about, begins=begins), [*found["values"], found["low"], found["high"]], TALL)
    dots = tuple(
        plots.Dot(x(k + 1), y.scale(v), 4, y.scale(v), y.scale(v), f"member {k + 1}: {y.text(v)}")
        for k, v in enumerate(found["values"])
    )
    levels = [plots.Level(y.scale(found["mean"]), f"mean {measures.text(name, found['mean'])}")]
    return Chart(
        f"Test {about.title[0].lower()}{about.title[1:]} of each member",
        f"From {y.brief(min(found['values']))} to {y.brief(max(found['values']))}.",
        "member", about.axis, TALL,
        plots.place(plots.round_ticks(1, len(fleet), whole=True), x, short), y.ticks,
        dots=dots, levels=tuple(levels),
    )  # fmt: skip


def together(results: dict[str, Any]) -> Chart | None:
    """Error against the number of members that answer as one."""
    if "curve" not in results:
        return None
    curve = results["curve"]
    x = plots.across(0.5, len(curve) + 0.5)
    ends = [row[key] for row in curve for key in ("least", "most", "error")]
    y = axis(replace(meaning("error"), begins="share"), ends, TALL)
    mean = [(row["members"], row["error"]) for row in curve]
    dots = tuple(
        plots.Dot(
            x(row["members"]), y.scale(row["error"]), 4, y.scale(row["least"]),
            y.scale(row["most"]), f"{row['members']} members: error {y.text(row['error'])}",
        )
        for row in curve
    )  # fmt: skip
    return Chart(
        "Error of so many members as one",
        f"From {y.brief(mean[0][1])} alone to {y.brief(mean[-1][1])} together.",
        "members", "share wrong (%)", TALL,
        plots.place(plots.round_ticks(1, len(curve), whole=True), x, short), y.ticks,
        (plots.line("mean", "val", mean, x, y.scale, lambda _: ""),), dots,
    )  # fmt: skip


def settings(fleet: Fleet) -> list[tuple[str, int, str, str]]:
    """Where several were tried: each in words, its members, their mean and its interval."""
    name, found = fleet.results["headline"], fleet.results["settings"]
    rows = []
    for one in found if len(found) > 1 else []:
        said = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in one["changes"].items())
        values = one["measures"][name]
        mean, low, high = (measures.text(name, values[key]) for key in ("mean", "low", "high"))
        interval = f"{low} to {high}" if len(one["members"]) > 1 else "one member only"
        rows.append((said, len(one["members"]), mean, interval))
    return rows


def rows(fleet: Fleet) -> list[tuple[str, list[str], str]]:
    """Each member's directory, in what it differs, and its headline."""
    name, fields = fleet.results["headline"], varied(fleet)
    values = fleet.results["measures"][name]["values"]
    return [
        (
            f"members/{k:03}",
            [str(changes[field]) for field in fields],
            measures.text(name, values[k]),
        )
        for k, changes in enumerate(fleet.changes[:NAMED])
    ]
