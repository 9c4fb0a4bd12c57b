"""Views of runs, fleets and searches: progress, table, report and a notebook's overview."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutaway.data.imageset import ImageSet
from cutaway.figures import Curves, Figure
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import Fleet
from cutaway.learn.job import Job
from cutaway.learn.run import Run
from cutaway.learn.search import Search
from cutaway.show import fleet, measures, origins, progress, tables
from cutaway.show import report as run
from cutaway.show.curves import Learning, curves
from cutaway.show.inside import Inside
from cutaway.show.pages import search
from cutaway.show.regularisers import Regularisers
from cutaway.show.render import render


@dataclass(frozen=True)
class View:
    """The view of one kind of job.

    Attributes:
        key: the name of its directory in what `--json` prints.
        report: writes its page, once it has ended.
        content: what that page says.
        rows: its results by name, as text; once it has ended.
        figures: how it got there, as far as it has come.
        progress: what prints how it goes.
        following: commands that fit once it has ended, the likeliest first.
    """

    key: str
    report: Callable[[Any, ImageSet | None], Path]
    content: Callable[[Any, ImageSet | None], dict[str, Any]]
    rows: Callable[[Any], dict[str, str]]
    figures: Callable[[Any], Sequence[Curves]]
    progress: Callable[[], Callback]
    following: Callable[[Any], list[str]]


def report(job: Job, images: ImageSet | None = None) -> Path:
    """Write the report of a run, a fleet or a search that has ended; gives its path.

    Args:
        images: what it learned from, where it was an object of the user's own.

    Raises:
        RunError: it has not ended, is damaged, or the file cannot be written.
    """
    return VIEWS[job.kind].report(job, images)


def figures(job: Job, images: ImageSet | None = None) -> list[Figure]:
    """The figures of its report as plain data, once it has ended: `to_dict` of each gives JSON.

    Raises:
        RunError: as for `report`.
    """
    content = VIEWS[job.kind].content(job, images)
    return [figure for value in content.values() for figure in _figures_in(value)]


def _figures_in(value: Any) -> Iterator[Figure]:
    """A figure itself, those of a list, or those of a section of a page."""
    if isinstance(value, Figure):
        yield value
    elif isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, Figure))
    elif isinstance(value, Learning | Regularisers | Inside):
        yield from value.figures


def html(job: Job) -> str:
    """Return a notebook's view: its headline, curves and table, as a piece of a page that needs
    nothing beside it. Of one that is damaged, or gone, the plain line."""
    try:
        return render("notebook.html", overview(job, VIEWS[job.kind]))
    except Exception:
        return render("notebook_line.html", {"line": repr(job)})


def overview(job: Job, view: View) -> dict[str, Any]:
    """Return all that the notebook's template says."""
    done, wanted, noun = job.done
    content: dict[str, Any] = {
        "path": str(job.path),
        "title": job.title,
        "figures": view.figures(job),
    }
    if not job.finished:
        content |= {"figure": f"{done} of {wanted}", "notes": [], "rows": {}}
        return content | {
            "caption": f"{noun}s, not ended: go on with cutaway.resume({str(job.path)!r})"
        }
    name, value = job.headline
    figure = {
        "figure": measures.text(name, value),
        "caption": f"{job.summed_by} {measures.name(name)}",
    }
    return content | figure | {"notes": job.notes, "rows": view.rows(job)}


def run_figures(job: Run) -> Sequence[Curves]:
    """Its first two measures by epoch: the loss, and what tells how good the answers are."""
    learning = curves(job.metrics, job.recipe, job.steps)
    return learning.figures[:2] if learning else ()


def fleet_figures(job: Fleet) -> Sequence[Curves]:
    """Every member's curve, of those that have begun."""
    begun = [Run(job.place(k)) for k in range(len(job)) if job.begun(k)]
    learned = [member for member in begun if member.metrics]
    return fleet.learning(learned, learned[0].leading) if learned else ()


def search_figures(job: Search) -> Sequence[Curves]:
    """Every trial, and the best until then."""
    trials = [trial for trial in job.trials if trial.state != "running"]
    return [search.progress(job, trials)] if job.leader(trials) else ()


def after_run(job: Run) -> list[str]:
    return [command for _, command in origins.commands(job)]


def after_fleet(job: Fleet) -> list[str]:
    path = shlex.quote(str(job.path))
    member = f"{path}/members/000"
    return [f"cutaway compare {path} OTHER", f"cutaway look {member}", f"cutaway export {member}"]


def after_search(job: Search) -> list[str]:
    return [f"cutaway train --recipe {shlex.quote(str(job.path))}/best.toml --replicates 8"]


VIEWS = {
    Run.kind: View(
        "run",
        run.report,
        run.content,
        tables.run_rows,
        run_figures,
        progress.bar_or_lines,
        after_run,
    ),
    Fleet.kind: View(
        "run",
        lambda job, _: fleet.report(job),
        lambda job, _: fleet.content(job),
        tables.fleet_rows,
        fleet_figures,
        progress.Members,
        after_fleet,
    ),
    Search.kind: View(
        "search",
        lambda job, _: search.report(job),
        lambda job, _: search.content(job),
        tables.search_rows,
        search_figures,
        progress.Trials,
        after_search,
    ),
}
