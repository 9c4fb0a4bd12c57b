"""The learning curves: what a run wrote of its steps, and at the end of each epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, cast

from cutaway.figures import Axis, Curves, Places, Role, Series
from cutaway.learn import history
from cutaway.learn.history import Row
from cutaway.learn.metrics import HIGHER, LOWER, Metric, metric_called
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.task import Task
from cutaway.learn.tasks import METRICS, make_task, metric
from cutaway.show import measures, origins
from cutaway.show.timeline import Timeline, stage_of

PARTS = {"train": "training", "val": "validation"}
MIXED = (
    "With mixed images a prediction counts as right for the share that its class has in the "
    "mixture, so that training accuracy cannot reach 100 %."
)
SAMPLED = "Training shows each class equally often, and validation as often as it occurs."

Rows = list[Row]


class Point(NamedTuple):
    """A value on the axis; of steps with their least and greatest, and which they are."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""


Lines = dict[str, list[Point]]
"""Values along the axis, by their key in the rows."""


@dataclass(frozen=True)
class Learning:
    """The figures of a run's metrics, with their numbers and its stages.

    Attributes:
        kept_epoch: the epoch whose weights were kept; `early` where `monitor` chose it.
        headings, table: the figures as numbers, a row an epoch.
        stages: in words, where there are several.
    """

    figures: tuple[Curves, ...]
    rows: Rows
    kept_epoch: int
    early: bool
    monitor: str
    validated: bool
    headings: tuple[str, ...]
    table: tuple[tuple[int, tuple[str, ...]], ...]
    stages: tuple[str, ...]


def curves(rows: Rows, recipe: Recipe, steps: Sequence[Row] = ()) -> Learning | None:
    """The figures of a run's metrics; None where it wrote none.

    Args:
        rows, steps: what it wrote of its epochs and of its steps.
    """
    if not rows:
        return None
    time = Timeline(rows, steps)
    stages = recipe.in_stages()
    final = stages[-1]
    kept_epoch = int(history.selected(last_stage(rows), final.monitor, final.patience)["epoch"])
    early = bool(final.patience)
    starts = _stage_starts(rows, time)
    kept_at = time.of_epoch(rows[kept_epoch - 1])
    marks = (*starts, (kept_at, f"kept: epoch {kept_epoch}")) if early else starts
    headings, table = _table(rows)
    return Learning(
        (*_metrics(rows, stages, time, marks), _learning_rate(rows, stages, time, starts)),
        rows, kept_epoch, early, final.monitor.replace("val-", "validation "),
        any(key.startswith("val_") for row in rows for key in row), headings, table,
        tuple(_stages(rows, recipe)),
    )  # fmt: skip


def last_stage(rows: Rows) -> Rows:
    """The rows of the stage that ended the run."""
    return [row for row in rows if stage_of(row) == stage_of(rows[-1])]


def _stage_starts(rows: Rows, time: Timeline) -> Places:
    """A mark at the start of each stage but the first."""
    ends = [(a, b) for a, b in pairwise(rows) if stage_of(a) != stage_of(b)]
    between = 0.0 if time.windows else 0.5  # an epoch without steps is a point at its end
    return tuple((time.of_epoch(a) + between, f"stage {stage_of(b) + 1}") for a, b in ends)


def _stages(rows: Rows, recipe: Recipe) -> list[str]:
    """Each stage in words: its epochs, its task and what it changes."""
    sentences = []
    for number, changes in enumerate(recipe.stages):
        own = [int(row["epoch"]) for row in rows if stage_of(row) == number]
        if own:
            span = f"epoch{'s' * (len(own) > 1)} {'–'.join(map(str, _ends(own)))}"
            sentences.append(f"Stage {number + 1}, {span}: {origins.changes(changes)}.")
    return sentences


def _ends(values: list[int]) -> list[int]:
    return [values[0], values[-1]] if len(values) > 1 else values


def _metrics(rows: Rows, stages: tuple[Recipe, ...], time: Timeline, marks: Places) -> list[Curves]:
    """A figure a metric; a loss that means another thing in another task has its own."""
    groups: dict[tuple[str, str], Lines] = {}
    for row, key, point in _points(rows, time):
        group = _metric(key.partition("_")[2]), stages[stage_of(row)].task
        groups.setdefault(group, {}).setdefault(key, []).append(point)
    tasks = {stage.task: (stage, make_task(stage)) for stage in reversed(stages)}
    order = sorted(groups, key=lambda group: _rank(group[0], tasks[group[1]][1]))
    names = [name for name, _ in order]
    figures = []
    for name, task in order:
        about = _metric_in_task(name, *tasks[task], time)
        if names.count(name) > 1:
            about = replace(about, title=f"{about.title}: {task}")
        figures.append(_figure(about, _series(groups[name, task]), rows, time, marks))
    return figures


def _points(rows: Rows, time: Timeline) -> Iterator[tuple[Row, str, Point]]:
    """Each value with its row and its key: of training by step where those are known."""
    finer = {key for row in time.windows for key in row if f"{key}_min" in row}
    for row in rows:
        for key, value in row.items():
            if key.partition("_")[0] in PARTS and key not in finer and value is not None:
                yield row, key, Point(time.of_epoch(row), value)
    for row in time.windows:
        for key in sorted(finer & row.keys()):
            yield row, key, _step_point(row, key, time)


def _step_point(row: Row, key: str, time: Timeline) -> Point:
    first, last = int(row["step"] - row["steps"]) + 1, int(row["step"])
    which = f"step {last:,}" if first == last else f"steps {first:,} to {last:,}"
    value, low, high = (row[name] for name in (key, f"{key}_min", f"{key}_max"))
    label = f"{which}: {measures.brief(metric(key), value)}"
    return Point(time.of_step(row), value, low, high, label)


def _metric(rest: str) -> str:
    """Name the figure of a value: the players share one for `generator_loss` and the like."""
    player, _, name = rest.rpartition("_")
    shared = player and name in ("loss", "accuracy") and metric(rest).name != rest
    return f"players' {name}" if shared else rest


def _rank(name: str, task: Task) -> int:
    """Its place among the figures; players' losses come first."""
    known = [one.name for one in task.metrics]
    if name.startswith("players' ") or name == "loss":
        return -1
    return known.index(name) if name in known else len(known)


def _metric_in_task(name: str, recipe: Recipe, task: Task, time: Timeline) -> Metric:
    """A metric with its title and caption in the task of a recipe."""
    who, _, what = name.rpartition(" ")
    if who:
        about, caption = metric(what), task.players_said if what == "loss" else HIGHER
        return replace(about, title=f"{about.title} of each player", caption=caption)
    about = metric_called([*task.metrics, *METRICS], name)
    if name == "accuracy" and (recipe.mixup or recipe.cutmix):
        return replace(about, caption=f"{HIGHER} {MIXED}")
    if name == "accuracy" and recipe.sampling == "balanced":
        return replace(about, caption=f"{HIGHER} {SAMPLED}")
    return replace(about, caption=_loss_caption(recipe, time)) if name == "loss" else about


def _loss_caption(recipe: Recipe, time: Timeline) -> str:
    how = recipe.augment.removeprefix(OWN)
    altered = f" and the images were altered ({how})" * (how != "none")
    each = time.steps_per_point
    steps = f"means over {each:,} steps (the band goes from the least to the greatest of them)"
    what = "means over an epoch" if not each else "of single steps" if each == 1 else steps
    caption = (
        f"{LOWER} The training figures are {what}, while the weights still "
        f"changed{altered}, so validation can look better than training."
    )
    if recipe.label_smoothing:
        caption += (
            f" Training uses smoothed targets ({recipe.label_smoothing}), whose loss cannot reach "
            "zero; validation is measured against the true ones."
        )
    if recipe.class_weights != "none" or recipe.focal or recipe.logit_adjust:
        caption += (
            " Training minimises another loss, for unequal classes; validation has the plain."
        )
    if recipe.mixup or recipe.cutmix:
        caption += " Images were mixed in pairs for training, and used whole for evaluation."
    return caption


def _series(group: Lines) -> tuple[Series, ...]:
    """The lines of a figure: training and validation, or the players."""
    parts = {key: key.partition("_") for key in group}
    if all(_metric(rest) == rest for _, _, rest in parts.values()):
        keys = sorted(group, key=lambda key: list(PARTS).index(parts[key][0]))
        return tuple(_line(PARTS[parts[k][0]], group[k], cast(Role, parts[k][0])) for k in keys)
    return tuple(
        replace(_line(parts[key][2].rpartition("_")[0].replace("_", " "), points), low=(), high=())
        for key, points in group.items()
    )


def _line(name: str, points: Sequence[Point], role: Role = "") -> Series:
    """A line; with a band and labels of its own where its points stand for several steps."""
    x, y, low, high, labels = zip(*points, strict=True)
    if None in low:
        return Series(name, x, y, role=role)
    band = (low, high) if low != high else ((), ())
    return Series(name, x, y, *band, role=role, labels=tuple(f"{name}, {one}" for one in labels))


def _figure(
    about: Metric, series: tuple[Series, ...], rows: Rows, time: Timeline, marks: Places
) -> Curves:
    return Curves(
        title=about.title,
        x=time.axis,
        y=measures.axis(about),
        series=series,
        levels=(about.level,) if about.level else (),
        marks=marks,
        caption=about.caption,
        summary=_summary(about, series, rows),
    )


def _learning_rate(rows: Rows, stages: tuple[Recipe, ...], time: Timeline, marks: Places) -> Curves:
    rates = [Point(time.of_step(row), row["lr"]) for row in time.windows]
    rates = rates or [Point(time.of_epoch(row), row["lr"]) for row in rows]
    when = "By step" if time.windows else "At the end of each epoch"
    schedules = dict.fromkeys(f"{stage.schedule} schedule, {stage.optimizer}" for stage in stages)
    return Curves(
        title="Learning rate",
        x=time.axis,
        y=Axis("rate", zero=True),
        series=(_line("rate", rates, "quiet"),),
        marks=marks,
        caption=f"{when}: {'; then '.join(schedules)}.",
        summary=f"Learning rate by {time.axis.label}, at most {max(p.y for p in rates):.3g}.",
        form="flat",
    )


def _summary(about: Metric, series: tuple[Series, ...], rows: Rows) -> str:
    """The figure in words, for who cannot see it."""
    ends = [
        f"{one.name} from {measures.brief(about, one.y[0])} to {measures.brief(about, one.y[-1])}"
        for one in series
    ]
    last = rows[-1]["epoch"]
    return f"{about.title} over {last} epoch{'s' * (last != 1)}: {', '.join(ends)}."


def _table(rows: Rows) -> tuple[tuple[str, ...], tuple[tuple[int, tuple[str, ...]], ...]]:
    """Headings, and each epoch's figures as text."""
    known = dict.fromkeys(k for row in rows for k in row if k.partition("_")[0] in PARTS)
    keys = sorted(known, key=lambda k: (k.partition("_")[0], not k.endswith("loss")))
    headings = [f"{PARTS[key.partition('_')[0]].capitalize()} {_metric_name(key)}" for key in keys]
    table = [
        (
            int(row["epoch"]),
            (
                *(measures.text(k, row[k]) if row.get(k) is not None else "–" for k in keys),
                f"{row['lr']:.3g}",
            ),
        )
        for row in rows
    ]
    return (*headings, "Learning rate"), tuple(table)


def _metric_name(key: str) -> str:
    return measures.name(key.partition("_")[2])
