"""The learning curves: what a run wrote at the end of each epoch."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from cutaway.learn import history
from cutaway.learn.history import Row
from cutaway.learn.metrics import HIGHER, LOWER, Metric, metric_called
from cutaway.learn.recipe import Recipe
from cutaway.learn.task import Task
from cutaway.learn.tasks import METRICS, make_task, metric
from cutaway.show import measures, origins, plots
from cutaway.show.axes import axis, epochs, short, whole
from cutaway.show.plots import Chart, Point, Scale

TALL, SMALL = 240, 140
PARTS = {"train": "training", "val": "validation"}
KINDS = ("one", "two", "three", "four")
"""CSS classes of the lines of several players."""
MIXED = (
    "With mixed images a prediction counts as right for the share that its class has in the "
    "mixture, so that training accuracy cannot reach 100 %."
)

Rows = list[Row]


@dataclass(frozen=True)
class Series:
    """One line to draw: `kind` is its CSS class."""

    name: str
    kind: str
    data: list[Point]


@dataclass(frozen=True)
class Curves:
    """The charts with what has to be said of them.

    Attributes:
        kept: the epoch whose weights were kept; `early` where it was chosen on `monitor`.
        headings, table: the figures as numbers, a row an epoch.
        stages: in words, where there are several.
    """

    charts: tuple[Chart, ...]
    rows: Rows
    kept: int
    early: bool
    monitor: str
    validated: bool
    headings: tuple[str, ...]
    table: tuple[tuple[int, tuple[str, ...]], ...]
    stages: tuple[str, ...]

    @property
    def parted(self) -> bool:
        """Whether any chart tells training from validation."""
        return any(line.kind in PARTS for chart in self.charts for line in chart.lines)


def curves(rows: Rows, recipe: Recipe) -> Curves | None:
    """The charts of a run's metrics; None where it wrote none."""
    if not rows:
        return None
    stages = recipe.in_stages()
    final, last = stages[-1], int(rows[-1]["epoch"])
    kept = int(history.selected(last_stage(rows), final.monitor, final.patience)["epoch"])
    early = bool(final.patience)
    x = epochs(last)
    turns = tuple(_beginnings(rows, x))
    marks = (*turns, plots.mark(x(kept), f"kept: epoch {kept}")) if early else turns
    charts = (*_charts(rows, stages, x, marks), _rate(rows, stages, x, turns))
    headings, table = _table(rows)
    return Curves(
        charts, rows, kept, early, final.monitor.replace("val-", "validation "),
        any(key.startswith("val_") for row in rows for key in row), headings, table,
        tuple(_stages(rows, recipe)),
    )  # fmt: skip


def last_stage(rows: Rows) -> Rows:
    """The rows of the stage that ended the run."""
    return [row for row in rows if _stage(row) == _stage(rows[-1])]


def _stage(row: Row) -> int:
    """The number of its stage, from 0."""
    return int(row.get("stage", 1)) - 1


def _beginnings(rows: Rows, x: Scale) -> list[plots.Mark]:
    """A mark where each stage but the first begins."""
    turns = [(b["epoch"] - 0.5, _stage(b) + 1) for a, b in pairwise(rows) if _stage(a) != _stage(b)]
    return [plots.mark(x(at), f"stage {number}", 0.8) for at, number in turns]


def _stages(rows: Rows, recipe: Recipe) -> list[str]:
    """Each stage in words: its epochs, its task and what it changes."""
    said = []
    for number, changes in enumerate(recipe.stages):
        own = [int(row["epoch"]) for row in rows if _stage(row) == number]
        if own:
            span = f"epoch{'s' * (len(own) > 1)} {'–'.join(map(str, _ends(own)))}"
            said.append(f"Stage {number + 1}, {span}: {origins.changes(changes)}.")
    return said


def _ends(values: list[int]) -> list[int]:
    return [values[0], values[-1]] if len(values) > 1 else values


def _charts(
    rows: Rows, stages: tuple[Recipe, ...], x: Scale, marks: tuple[plots.Mark, ...]
) -> list[Chart]:
    """A chart a metric; a loss that means another thing in another task has its own."""
    groups: dict[tuple[str, str], dict[str, list[Point]]] = {}
    for row in rows:
        for key, value in row.items():
            part, _, rest = key.partition("_")
            if part in PARTS and value is not None:
                group = groups.setdefault((_metric(rest), stages[_stage(row)].task), {})
                group.setdefault(key, []).append((row["epoch"], value))
    tasks = {stage.task: (stage, make_task(stage)) for stage in reversed(stages)}
    order = sorted(groups, key=lambda group: _rank(group[0], tasks[group[1]][1]))
    names = [name for name, _ in order]
    found = []
    for name, task in order:
        about = _described(name, *tasks[task])
        if names.count(name) > 1:
            about = replace(about, title=f"{about.title}: {task}")
        found.append(_chart(about, _series(groups[name, task]), rows, x, marks))
    return found


def _metric(rest: str) -> str:
    """What `generator_loss` is a value of: the losses of the players, who share a chart."""
    player, _, name = rest.rpartition("_")
    shared = player and name in ("loss", "accuracy") and metric(rest).name != rest
    return f"players' {name}" if shared else rest


def _rank(name: str, task: Task) -> int:
    """Its place among the charts; players' losses come first."""
    known = [one.name for one in task.metrics]
    if name.startswith("players' ") or name == "loss":
        return -1
    return known.index(name) if name in known else len(known)


def _described(name: str, recipe: Recipe, task: Task) -> Metric:
    """How a metric is drawn in the task of a recipe."""
    who, _, what = name.rpartition(" ")
    if who:
        about, said = metric(what), task.players_said if what == "loss" else HIGHER
        return replace(about, title=f"{about.title} of each player", caption=said)
    about = metric_called([*task.metrics, *METRICS], name)
    if name == "accuracy" and (recipe.mixup or recipe.cutmix):
        return replace(about, caption=f"{HIGHER} {MIXED}")
    return replace(about, caption=_of_loss(recipe)) if name == "loss" else about


def _of_loss(recipe: Recipe) -> str:
    altered = f" and the images were altered ({recipe.augment})" * (recipe.augment != "none")
    said = (
        f"{LOWER} The training figures are means over an epoch, while the weights still "
        f"changed{altered}, so validation can look better than training."
    )
    if recipe.label_smoothing:
        said += (
            f" Training uses smoothed targets ({recipe.label_smoothing}), whose loss cannot reach "
            "zero; validation is measured against the true ones."
        )
    if recipe.mixup or recipe.cutmix:
        said += " Images were mixed in pairs for training, and used whole for evaluation."
    return said


def _series(group: dict[str, list[Point]]) -> list[Series]:
    """The lines of a chart: training and validation, or the players."""
    by_key = {key: key.partition("_") for key in group}
    if all(_metric(rest) == rest for _, _, rest in by_key.values()):
        keys = sorted(group, key=lambda key: list(PARTS).index(by_key[key][0]))
        return [Series(PARTS[by_key[k][0]], by_key[k][0], group[k]) for k in keys]
    return [
        Series(by_key[key][2].rpartition("_")[0].replace("_", " "), KINDS[i % len(KINDS)], data)
        for i, (key, data) in enumerate(group.items())
    ]


def _chart(
    about: Metric, series: list[Series], rows: Rows, x: Scale, marks: tuple[plots.Mark, ...]
) -> Chart:
    values = [value for one in series for _, value in one.data]
    values += [about.level[0]] if about.level else []
    y = axis(about, values, TALL)
    lines = tuple(
        plots.line(
            one.name, one.kind, one.data, x, y.scale,
            lambda point: f"epoch {point[0]:.0f}: {y.text(point[1])}",
        )
        for one in series
    )  # fmt: skip
    own = () if series[0].kind in PARTS else tuple((one.kind, one.name) for one in series)
    return Chart(
        title=about.title,
        summary=_summary(about.title, series, rows, y.brief),
        x_label="epoch",
        y_label=y.label,
        height=TALL,
        x_ticks=whole(x),
        y_ticks=y.ticks,
        lines=lines,
        marks=marks,
        levels=(plots.Level(y.scale(about.level[0]), about.level[1]),) if about.level else (),
        caption=about.caption,
        keys=own,
    )


def _rate(rows: Rows, stages: tuple[Recipe, ...], x: Scale, marks: tuple[plots.Mark, ...]) -> Chart:
    data: list[Point] = [(row["epoch"], row["lr"]) for row in rows]
    high = max(value for _, value in data) or 1.0
    y = plots.upright(0, high * 1.1, SMALL)
    ways = dict.fromkeys(f"{stage.schedule} schedule, {stage.optimizer}" for stage in stages)
    return Chart(
        title="Learning rate",
        summary=f"Learning rate by epoch, at most {high:.3g}.",
        x_label="epoch",
        y_label="rate",
        height=SMALL,
        x_ticks=whole(x),
        y_ticks=plots.place(plots.round_ticks(0, y.high, 3), y, short),
        lines=(plots.line("rate", "rate", data, x, y, lambda p: f"epoch {p[0]:.0f}: {p[1]:.3g}"),),
        marks=marks,
        caption=f"At the end of each epoch: {'; then '.join(ways)}.",
    )


def _summary(title: str, series: list[Series], rows: Rows, text: Any) -> str:
    """The chart in words, for who cannot see it."""
    found = [f"{s.name} from {text(s.data[0][1])} to {text(s.data[-1][1])}" for s in series]
    last = rows[-1]["epoch"]
    return f"{title} over {last} epoch{'s' * (last != 1)}: {', '.join(found)}."


def _table(rows: Rows) -> tuple[tuple[str, ...], tuple[tuple[int, tuple[str, ...]], ...]]:
    """Headings, and each epoch's figures as text."""
    known = dict.fromkeys(k for row in rows for k in row if k.partition("_")[0] in PARTS)
    keys = sorted(known, key=lambda k: (k.partition("_")[0], not k.endswith("loss")))
    headings = [f"{PARTS[key.partition('_')[0]].capitalize()} {_called(key)}" for key in keys]
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


def _called(key: str) -> str:
    return measures.name(key.partition("_")[2])
