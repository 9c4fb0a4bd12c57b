"""Tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cutaway.data.audit import Audit
from cutaway.data.catalog import SOURCES, Source
from cutaway.data.finding_notes import said_left_out
from cutaway.data.imageset import ImageSet
from cutaway.learn.classifier import Classifier
from cutaway.learn.evaluation import Evaluation, number
from cutaway.learn.fleet import Fleet
from cutaway.learn.job import Job
from cutaway.learn.run import Run
from cutaway.show import measures, origins
from cutaway.show.words import percent

if TYPE_CHECKING:
    from cutaway.byhand.check import Checked
    from cutaway.learn.search import Search

SHORT = 16
"""Letters that a column may have to stay unbroken, so that the others give way."""
NOTES = 5
"""Notes that stand before a result; the report has all."""
NAMED = 5
"""Images that a finding names on the terminal; `--json` names more."""


def show(*parts: RenderableType) -> None:
    """Print on standard output."""
    console = Console(highlight=False)
    for part in parts:
        console.print(part)


def table(title: str, rows: Sequence[dict[str, Any]], *columns: str) -> Table:
    """Some columns (or all) of rows with the same keys; numbers to the right."""
    columns = columns or tuple(rows[0])
    grid = Table(title=title, title_justify="left", header_style="bold")
    for i, key in enumerate(columns):
        number = isinstance(rows[0][key], int | float)
        short = i == 0 or max(len(_text(row[key])) for row in rows) <= SHORT
        grid.add_column(key, justify="right" if number else "left", no_wrap=short)
    for row in rows:
        grid.add_row(*(_text(row[key]) for key in columns))
    return grid


def notes(job: Job) -> list[RenderableType]:
    """The notes that a reader needs before the figures; of many the first few."""
    return _noted([one["sentence"] for one in job.notes])


def left_out(images: ImageSet) -> list[RenderableType]:
    """Notes on what was left out of a set."""
    return _noted(said_left_out(images.findings))


def _noted(sentences: list[str]) -> list[RenderableType]:
    more = len(sentences) - NOTES
    if more > 0:
        sentences = [*sentences[:NOTES], f"And {more} more: see the report."]
    return [Text.assemble(("Note: ", "bold yellow"), sentence) for sentence in sentences]


def result(job: Job, rows: dict[str, str]) -> Table:
    """The results of a run, a fleet or a search."""
    return _pairs(job.title, rows)


def run_rows(run: Run) -> dict[str, str]:
    """The results of a run on its test set."""
    timing = run.timing
    speed = f"{timing['train_seconds']:.1f} s, {timing['images_per_second']:,.0f} images/s"
    return _measures("test ", run.saved_test()) | _threshold(run) | {"training": speed}


def _threshold(run: Run) -> dict[str, str]:
    """From which probability on a class is predicted, where `--cost` said what a miss costs."""
    task = run.task
    if not isinstance(task, Classifier) or not (task.miss_cost and task.decision):
        return {}
    name, (_, from_) = run.data.target.names[int(task.decision[0])], task.decision
    said = f"'{name}' from a probability of {percent(from_)} on (--cost {task.miss_cost:g})"
    return {"threshold": said}


def fleet_rows(fleet: Fleet) -> dict[str, str]:
    """The results of a fleet: each measure's mean and interval."""
    rows = {
        measures.name(name): (
            f"{measures.text(name, one['mean'])}   (95 % interval {measures.interval(name, one)})"
        )
        for name, one in fleet.results["measures"].items()
    }
    if ensemble := fleet.results.get("ensemble"):
        name = fleet.results["headline"]
        rows["ensemble"] = measures.text(name, number(ensemble, name))
    seconds = sum(run.timing["train_seconds"] for run in fleet.members)
    return {"members": str(len(fleet)), **rows, "training": f"{seconds:.1f} s, {fleet.way}"}


def search_rows(search: "Search") -> dict[str, str]:
    """The result of a search: the best trial and what it changed."""
    results, objective = search.results, search.objective
    states = [trial.state for trial in search.trials]
    return {
        f"best {measures.name(objective)}": measures.text(objective, results["value"]),
        "trial": f"{results['trial'] + 1} of {len(search)}",
        **{name.replace("_", " "): origins.setting(v) for name, v in results["changes"].items()},
        "pruned": str(states.count("pruned")),
        "failed": str(states.count("failed")),
    }


def evaluation(what: str, result: Evaluation) -> Table:
    """Measures on one part."""
    return _pairs(f"On {what}", _measures("", result))


def _measures(prefix: str, result: Evaluation) -> dict[str, str]:
    """The metrics, the first of them with its interval, and what is said beside them."""
    numbers = {k: v for k, v in result.summary().items() if isinstance(v, float)}
    written = {k: measures.text(k, v) for k, v in numbers.items() if k not in result.trivial}
    if not written:
        return {}
    first = next(iter(written))
    value, names = written.pop(first), {measures.name(k): text for k, text in written.items()}
    if result.interval:
        low, high = (measures.text(first, end) for end in result.interval)
        groups = f", of {result.related:,} groups of related images" if result.related else ""
        value = f"{value}   (95 % interval {low} to {high}{groups})"
    return {f"{prefix}{measures.name(first)}": value, **result.remarks(), **names}


def checked(title: str, check: "Checked") -> Table:
    """Gradients by hand beside those of other witnesses, a row a parameter."""
    grid = Table(title=title, title_justify="left", header_style="bold")
    grid.add_column("parameter", overflow="fold")
    for heading in ("shape", "largest gradient", "autograd", "differences"):
        grid.add_column(heading, justify="right")
    for row in check.rows:
        shape = " x ".join(map(str, row.shape)) or "1"
        slope = "" if row.differences is None else f"{row.differences:.1e}"
        grid.add_row(row.name, shape, f"{row.gradient:.3g}", f"{row.autograd:.1e}", slope)
    grid.add_section()
    errors = f"{max(check.values, check.gradients):.1e}"
    grid.add_row(f"values of {check.nodes} nodes, and their gradients", "", "", errors, "")
    return grid


def audit(result: Audit) -> list[RenderableType]:
    """The result of an audit: its summary, then each finding with the names of its images."""
    parts: list[RenderableType] = [Text(sentence) for sentence in result.summary()]
    for finding in result.findings:
        left_out = " Left out." if finding.left_out else ""
        parts.append(Text.assemble("\n", (finding.kind, "bold"), f"  {finding.detail}{left_out}"))
        parts.extend(Padding(Text(name, overflow="fold"), (0, 2)) for name in _names(finding.where))
    return parts


def model_rows(name: str = "") -> list[dict[str, Any]]:
    """A row a registered model, or the one with that name; parameters are counted on the example
    of its source."""
    import torch

    from cutaway.models import MODELS, build, count, find

    rows = []
    for model in [find(name)] if name else MODELS.values():
        parameters = model.parameters
        if parameters is None:  # its source gives none
            with torch.device("meta"):
                parameters = count(build(model.name, *model.example))
        channels, classes, size = model.example
        shape = "x".join(map(str, (size, size) if isinstance(size, int) else size))
        rows.append(
            {
                "model": model.name,
                "what": model.title,
                "parameters": parameters,
                "for": f"{channels}x{shape}, {classes} classes",
                "data": model.data,
                "task": model.task,
                "source": model.source,
                "options": ", ".join(f"{k}={v}" for k, v in model.options.items()),
                "weights": "come with Cutaway" if model.weights and model.hub else model.hub,
            }
        )
    return rows


def details(row: dict[str, Any]) -> Table:
    """One row upright, with every column."""
    return _pairs("", {key: _text(value) for key, value in row.items() if value != ""})


def data_rows() -> list[dict[str, Any]]:
    """A row a data set that is known by name."""
    return [
        {
            "data": source.name,
            "what": source.title,
            "images": source.count,
            "classes": source.classes,
            "here": "yes" if source.available else _to_fetch(source),
            "licence": source.licence,
            "homepage": source.homepage,
        }
        for source in SOURCES.values()
    ]


def _to_fetch(source: Source) -> str:
    return "to download" if source.megabytes is None else f"{source.megabytes:g} MB to download"


def _names(where: Sequence[str]) -> list[str]:
    more = [f"and {len(where) - NAMED} more"] if len(where) > NAMED else []
    return [*where[:NAMED], *more]


def _pairs(title: str, rows: dict[str, str]) -> Table:
    grid = Table(title=title, title_justify="left", show_header=False)
    for pair in rows.items():
        grid.add_row(*pair)
    return grid


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
