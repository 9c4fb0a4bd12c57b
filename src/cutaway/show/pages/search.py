"""The page of a search: the best recipe, how it was found, what mattered, every trial."""

import math
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from cutaway.files import write_whole
from cutaway.learn.recipe import OWN
from cutaway.learn.search import Search, Trial, space
from cutaway.learn.search.axes import Axis, Choice
from cutaway.learn.tasks import metric
from cutaway.show import measures, origins, plots
from cutaway.show.axes import Axis as Upright
from cutaway.show.axes import axis, short, whole
from cutaway.show.curves import TALL
from cutaway.show.pages.base import Section, Tile
from cutaway.show.plots import Chart, Point, Scale, Ticks
from cutaway.show.render import render
from cutaway.show.words import capital, plural
from cutaway.version import __version__

LISTED = 200
"""Trials that have a row of their own."""
LONG = 10
"""Letters of a value that fit below a chart."""


def report(search: Search) -> Path:
    """Write `report.html` into the directory of a search that has ended.

    Raises:
        RunError: the search has not ended, or the file cannot be written.
    """
    path = search.path / "report.html"
    write_whole(path, render("search.html", content(search)))
    return path


def content(search: Search) -> dict[str, Any]:
    """What the template says."""
    results, trials = search.results, search.trials
    best = trials[results["trial"]]
    recipe = search.recipe
    return {
        "title": f"{recipe.model} on {recipe.data.removeprefix(OWN)}",
        "path": str(search.path),
        "sections": (
            Section("result", "Result"),
            Section("trials", "How it was found"),
            Section("fields", "Fields"),
            Section("all", "All trials"),
        ),
        "figure": measures.text(search.objective, best.value),
        "measure": measure(search),
        "heading": capital(measure(search)),
        "count": plural(len(trials), "trial"),
        "notes": search.notes,
        "lead": lead(search, trials, best),
        "tiles": tiles(trials, best),
        "options": options(best, recipe.data.startswith(OWN)),
        "again": again(search),
        "own": recipe.data.startswith(OWN),
        "progress": progress(search, trials),
        "pruned": any(trial.state == "pruned" and trial.values for trial in trials),
        "importance": [(measures.name(k), share) for k, share in results["importance"].items()],
        "fields": [field(search, name, axis, trials) for name, axis in search.space.items()],
        "names": [name.replace("_", " ") for name in search.space],
        "rows": [row(search, trial) for trial in ranked(search, trials)[:LISTED]],
        "few": LISTED,
        "best": best.number,
        "version": __version__,
    }


def measure(search: Search) -> str:
    """`validation accuracy`."""
    return f"validation {measures.name(search.objective.removeprefix('val_'))}"


def lead(search: Search, trials: Sequence[Trial], best: Trial) -> list[str]:
    """In words: what won, against what, and how far to trust it."""
    said = [f"Trial {best.number + 1} did best: {origins.changes(best.changes)}."]
    first = trials[0]
    if first.value is not None and best is not first:
        before = measures.text(search.objective, first.value)
        standing = space.own_point(search.space, search.recipe) == first.drawn
        said[0] += f" Trial 1{', the recipe as it was,' * standing} came to {before}."
    said.append(
        "The best of many results on the same images is optimistic: some of its lead is luck. No "
        "test image was used, so train the recipe again with several seeds, and test that once."
    )
    return said


def tiles(trials: Sequence[Trial], best: Trial) -> list[Tile]:
    states = [trial.state for trial in trials]
    found = [Tile("Trials", f"{len(trials)}", f"{states.count('ended')} trained to the end")]
    if count := states.count("pruned"):
        found.append(Tile("Pruned", f"{count}", "behind the median of the others by then"))
    if count := states.count("failed"):
        found.append(Tile("Failed", f"{count}", "could not be trained, see the table"))
    epochs = sum(trial.epochs for trial in trials)
    return [*found, Tile("Epochs", f"{epochs:,}", f"of all trials; {best.epochs} of the best")]


def options(best: Trial, own: bool) -> str:
    """What won, as options of `cutaway train`, or as arguments of `cutaway.fit`."""
    if own:
        return ", ".join(f"{name}={value!r}" for name, value in best.changes.items())
    pairs = [("--" + name.replace("_", "-"), value) for name, value in best.changes.items()]
    return " ".join(f"{flag} {shlex.quote(str(value))}" for flag, value in pairs)


def again(search: Search) -> str:
    """How the best recipe is trained anew and tested."""
    if search.recipe.data.startswith(OWN):
        return f"fit(data=..., recipe=load({str(search.path)!r}).best, replicates=8)"
    return f"cutaway train --recipe {shlex.quote(str(search.path / 'best.toml'))} --replicates 8"


def last(trial: Trial) -> float | None:
    """What a trial came to, or had come to when it was pruned; None where it failed."""
    if trial.state == "pruned" and trial.values:
        return trial.values[-1][1]
    return trial.value


def upright(search: Search, trials: Sequence[Trial]) -> Upright:
    """The axis of the objective, for all charts alike: it holds the better three quarters.

    A few trials that learned nothing would squeeze all others into a line.
    """
    values = sorted((one.value for one in trials if one.value is not None), reverse=search.higher)
    shown = values[: max(2, math.ceil(0.75 * len(values)))]
    return axis(metric(search.objective), shown, TALL)


def within(value: float, scale: Scale) -> float:
    """The value, or the end of the axis that it lies beyond."""
    return min(max(value, scale.low), scale.high)


def progress(search: Search, trials: Sequence[Trial]) -> Chart:
    """Every trial, and the best until then."""
    y, x = upright(search, trials), plots.across(0.5, len(trials) + 0.5)
    pick = max if search.higher else min
    records: list[Point] = []
    for trial in trials:
        known = [one.value for one in trials[: trial.number + 1] if one.value is not None]
        records += [(trial.number + 1, within(pick(known), y.scale))] if known else []
    points = {trial.number: float(trial.number + 1) for trial in trials}
    return Chart(
        title=f"{capital(measure(search))} of each trial",
        summary=f"The best rose from {y.brief(records[0][1])} to {y.brief(records[-1][1])}."
        if search.higher
        else f"The best fell from {y.brief(records[0][1])} to {y.brief(records[-1][1])}.",
        x_label="trial",
        y_label=y.label,
        height=TALL,
        x_ticks=whole(x),
        y_ticks=y.ticks,
        lines=(plots.line("the best so far", "best", steps(records), x, y.scale, lambda _: ""),),
        **_scattered(search, trials, points, x, y),
    )


def steps(records: Sequence[Point]) -> list[Point]:
    """The best so far as stairs."""
    found = [records[0]]
    for (_, before), (at, value) in pairwise(records):
        found += [(at, before), (at, value)] if before != value else [(at, value)]
    return found


def field(search: Search, name: str, tried: Axis, trials: Sequence[Trial]) -> Chart:
    """The objective against the values that were tried for a field."""
    y = upright(search, trials)
    x, ticks, points = _across(name, tried, trials)
    log = ", log scale" if x.log else ""
    times = ", as a multiple of the recommended one" if tried.relative else ""
    title = capital(measures.name(name))
    return Chart(
        title=title,
        summary=f"{capital(measure(search))} against {measures.name(name)}.",
        x_label=f"{measures.name(name)}{times}{log}",
        y_label=y.label,
        height=TALL,
        x_ticks=ticks,
        y_ticks=y.ticks,
        **_scattered(search, trials, points, x, y),
    )


def _across(
    name: str, tried: Axis, trials: Sequence[Trial]
) -> tuple[Scale, Ticks, dict[int, float]]:
    """The horizontal scale of a field, and where on it each trial lies."""
    drawn = {trial.number: trial.drawn[name] for trial in trials}
    if isinstance(tried, Choice):
        values = list(tried.values)
        if all(isinstance(value, int | float) for value in values):
            values.sort()
        x = plots.across(0.5, len(values) + 0.5)
        ticks = tuple((x(i + 1), _brief(value)) for i, value in enumerate(values))
        return x, ticks, {number: values.index(v) + 1.0 for number, v in drawn.items()}
    x = Scale(tried.low, tried.high, plots.LEFT + 8, plots.WIDTH - plots.RIGHT - 8, tried.log)
    found = plots.log_ticks if tried.log else plots.round_ticks
    return (
        x,
        plots.place(found(tried.low, tried.high), x, short),
        {number: float(value) for number, value in drawn.items()},
    )


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _scattered(
    search: Search, trials: Sequence[Trial], points: dict[int, float], x: Scale, y: Upright
) -> dict[str, Any]:
    """The trials as a chart has them: dots for those that ended, a cloud for those pruned."""
    ended, best = [one for one in trials if one.value is not None], search.leader(trials)
    pruned = [trial for trial in trials if trial.state == "pruned" and trial.values]
    dots = []
    for trial in ended:
        at = y.scale(within(trial.value or 0.0, y.scale))
        label = f"trial {trial.number + 1}: {y.text(trial.value or 0.0)}"
        radius = 6 if trial is best else 3.5
        dots.append(plots.Dot(x(points[trial.number]), at, radius, at, at, label))
    scale = y.scale
    cloud = [(points[one.number], within(last(one) or 0.0, scale)) for one in pruned]
    clouds = (plots.cloud("pruned", "", cloud, x, scale),) if cloud else ()
    return {"dots": tuple(dots), "clouds": clouds}


def ranked(search: Search, trials: Sequence[Trial]) -> list[Trial]:
    """Best first; then those pruned, the longest first; then those that failed."""
    sign = -1 if search.higher else 1
    order = ("ended", "pruned", "failed", "running")
    return sorted(
        trials,
        key=lambda one: (
            order.index(one.state), sign * (one.value or 0), one.loss or 0, -one.epochs,
        ),
    )  # fmt: skip


def row(search: Search, trial: Trial) -> tuple[int, str, str, list[str]]:
    """A trial's number, its objective, how it ended, and its settings."""
    value = "–" if trial.value is None else measures.text(search.objective, trial.value)
    ways = {"ended": str(trial.epochs), "pruned": f"{trial.epochs}, pruned"}
    how = ways.get(trial.state, f"failed: {trial.why}")
    settings = [origins.setting(trial.changes[name]) for name in search.space]
    return trial.number + 1, value, how, settings
