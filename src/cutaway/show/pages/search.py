"""The page of a search: the best recipe, the progress, the importance of fields, all trials."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from cutaway import figures
from cutaway.figures import Curves, Role, Series
from cutaway.files import write_whole
from cutaway.learn.recipe import OWN
from cutaway.learn.search import Search, Trial, space
from cutaway.learn.search.axes import Axis, Choice
from cutaway.learn.tasks import metric
from cutaway.show import measures, origins
from cutaway.show.pages.base import Section, Tile
from cutaway.show.render import render
from cutaway.show.words import capital, plural
from cutaway.version import __version__

Point = tuple[float, float]

LISTED = 200
"""Trials that have a row of their own."""


def report(search: Search) -> Path:
    """Write `report.html` into the directory of a search that has ended.

    Raises:
        RunError: the search has not ended, or the file cannot be written.
    """
    path = search.path / "report.html"
    write_whole(path, render("search.html", content(search)))
    return path


def content(search: Search) -> dict[str, Any]:
    """Return the values of the template."""
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
        "again": train_command(search),
        "own": recipe.data.startswith(OWN),
        "progress": progress(search, trials),
        "importance": [(measures.name(k), share) for k, share in results["importance"].items()],
        "fields": [field(search, name, axis, trials) for name, axis in search.space.items()],
        "names": [name.replace("_", " ") for name in search.space],
        "rows": [row(search, trial) for trial in ranked(search, trials)[:LISTED]],
        "few": LISTED,
        "best": best.number,
        "version": __version__,
    }


def measure(search: Search) -> str:
    """The name of the objective: `validation accuracy`."""
    return f"validation {measures.name(search.objective.removeprefix('val_'))}"


def lead(search: Search, trials: Sequence[Trial], best: Trial) -> list[str]:
    """Sentences on the best trial, the first one, and how far to trust the result."""
    sentences = [f"Trial {best.number + 1} did best: {origins.changes(best.changes)}."]
    first = trials[0]
    if first.value is not None and best is not first:
        before = measures.text(search.objective, first.value)
        standing = space.own_point(search.space, search.recipe) == first.drawn
        sentences[0] += f" Trial 1{', the recipe as it was,' * standing} came to {before}."
    sentences.append(
        "The best of many results on the same images is optimistic: some of its lead is luck. No "
        "test image was used, so train the recipe again with several seeds, and test that once."
    )
    return sentences


def tiles(trials: Sequence[Trial], best: Trial) -> list[Tile]:
    states = [trial.state for trial in trials]
    counts = [Tile("Trials", f"{len(trials)}", f"{states.count('ended')} trained to the end")]
    if count := states.count("pruned"):
        counts.append(Tile("Pruned", f"{count}", "behind the median of the others by then"))
    if count := states.count("failed"):
        counts.append(Tile("Failed", f"{count}", "could not be trained, see the table"))
    epochs = sum(trial.epochs for trial in trials)
    return [*counts, Tile("Epochs", f"{epochs:,}", f"of all trials; {best.epochs} of the best")]


def options(best: Trial, own: bool) -> str:
    """Return the best settings, as options of `cutaway train`, or as arguments of `cutaway.fit`."""
    if own:
        return ", ".join(f"{name}={value!r}" for name, value in best.changes.items())
    pairs = [("--" + name.replace("_", "-"), value) for name, value in best.changes.items()]
    return " ".join(f"{flag} {shlex.quote(str(value))}" for flag, value in pairs)


def train_command(search: Search) -> str:
    """The command that trains the best recipe anew and tests it."""
    if search.recipe.data.startswith(OWN):
        return f"fit(data=..., recipe=load({str(search.path)!r}).best, replicates=8)"
    return f"cutaway train --recipe {shlex.quote(str(search.path / 'best.toml'))} --replicates 8"


def last_value(trial: Trial) -> float | None:
    """Return a trial's result, or that at the time when it was pruned; None where it failed."""
    if trial.state == "pruned" and trial.values:
        return trial.values[-1][1]
    return trial.value


def objective(search: Search, trials: Sequence[Trial]) -> figures.Axis:
    """The axis of the objective, the same for all figures: it holds the better three quarters.

    A few trials that learned nothing would squeeze all others into a line.
    """
    values = sorted((one.value for one in trials if one.value is not None), reverse=search.higher)
    shown = values[: max(2, math.ceil(0.75 * len(values)))]
    least, most = min(shown), max(shown)
    room = 0.05 * (most - least) or 0.05 * abs(most) or 0.05
    axis = measures.axis(metric(search.objective))
    return replace(axis, low=least - room) if search.higher else replace(axis, high=most + room)


def progress(search: Search, trials: Sequence[Trial]) -> Curves:
    """The value of each trial, and the best so far."""
    pick = max if search.higher else min
    records: list[Point] = []
    for trial in trials:
        known = [one.value for one in trials[: trial.number + 1] if one.value is not None]
        records += [(trial.number + 1, pick(known))] if known else []
    x, y = zip(*steps(records), strict=True)
    goal, verb = metric(search.objective), "rose" if search.higher else "fell"
    first, last = (measures.brief(goal, record[1]) for record in (records[0], records[-1]))
    return Curves(
        title=f"{capital(measure(search))} of each trial",
        x=figures.Axis("trial", whole=True),
        y=objective(search, trials),
        series=(
            Series("the best so far", x, y, role="best"),
            *_scattered(search, trials, {one.number: one.number + 1.0 for one in trials}),
        ),
        summary=f"The best {verb} from {first} to {last}.",
    )


def steps(records: Sequence[Point]) -> list[Point]:
    """The corners of the line of the best so far, which has steps."""
    corners = [records[0]]
    for (_, before), (at, value) in pairwise(records):
        corners += [(at, before), (at, value)] if before != value else [(at, value)]
    return corners


def field(search: Search, name: str, tried: Axis, trials: Sequence[Trial]) -> Curves:
    """The objective against the values that were tried for a field."""
    axis, values = _field_axis(name, tried, trials)
    return Curves(
        title=capital(measures.name(name)),
        x=axis,
        y=objective(search, trials),
        series=_scattered(search, trials, values),
        summary=f"{capital(measure(search))} against {measures.name(name)}.",
    )


def _field_axis(
    name: str, tried: Axis, trials: Sequence[Trial]
) -> tuple[figures.Axis, dict[int, float]]:
    """The axis of a field, and the position of each trial on it."""
    drawn = {trial.number: trial.drawn[name] for trial in trials}
    times = ", as a multiple of the recommended one" if tried.relative else ""
    label = f"{measures.name(name)}{times}"
    if isinstance(tried, Choice):
        values = list(tried.values)
        if all(isinstance(value, int | float) for value in values):
            values.sort()
        axis = figures.Axis(label, names=tuple(map(str, values)))
        return axis, {number: values.index(v) + 1.0 for number, v in drawn.items()}
    ends = figures.Axis(label, "log" if tried.log else "linear", low=tried.low, high=tried.high)
    return ends, {number: float(value) for number, value in drawn.items()}


def _scattered(search: Search, trials: Sequence[Trial], at: dict[int, float]) -> tuple[Series, ...]:
    """The trials: those that ended, the best of them, and the last values of those pruned."""
    best = search.leader(trials)
    ended = [one for one in trials if one.value is not None]
    pruned = [one for one in trials if one.state == "pruned" and one.values]

    def dots(name: str, some: Sequence[Trial], role: Role = "") -> Series:
        values = tuple(last_value(one) or 0.0 for one in some)
        labels = tuple(
            f"trial {t.number + 1}: {measures.text(search.objective, last_value(t))}" for t in some
        )
        x = tuple(at[one.number] for one in some)
        return Series(name, x, values, style="dots", role=role, labels=labels)

    kinds = (
        dots("pruned, its value at that time", pruned, "quiet"),
        dots("trained to the end", ended),
        dots("", [best] if best else [], "best"),
    )
    return tuple(one for one in kinds if one.x)


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
    """A trial's number, its objective, its epochs or its failure, and its settings."""
    value = "–" if trial.value is None else measures.text(search.objective, trial.value)
    epochs = {"ended": str(trial.epochs), "pruned": f"{trial.epochs}, pruned"}
    how = epochs.get(trial.state, f"failed: {trial.why}")
    settings = [origins.setting(trial.changes[name]) for name in search.space]
    return trial.number + 1, value, how, settings
