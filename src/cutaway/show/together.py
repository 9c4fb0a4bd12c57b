"""The learning curves of several runs or fleets in one chart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cutaway.learn.compare import Comparison
from cutaway.learn.tasks import metric
from cutaway.show import plots
from cutaway.show.axes import Axis, axis, epochs, whole
from cutaway.show.curves import KINDS, PARTS, TALL, Rows
from cutaway.show.plots import Chart, Line, Point, Scale

MOST = len(KINDS)
"""Sides that are told apart."""


@dataclass(frozen=True)
class Group:
    """What runs wrote by epoch; their mean is a line of CSS class `kind`, each is one of `thin`."""

    name: str
    runs: Sequence[Rows]
    kind: str
    thin: str


def charts(found: Comparison) -> list[Chart]:
    """The headline's curve and the loss's, on the validation images where there were any."""
    groups = [
        Group(side.name, [run.metrics for run in side.runs], kind, f"{kind} thin")
        for side, kind in zip(found.sides, KINDS, strict=False)
    ]
    return list(curves(groups, found.first.runs[0].task.primary).values())


def curves(groups: Sequence[Group], headline: str) -> dict[str, Chart]:
    """The headline's curve and the loss's by column: `val_accuracy`, or `train_accuracy` where
    some run has no figures of validation images."""
    keys = dict.fromkeys([_key(groups, headline), _key(groups, "loss")])
    return {key: _chart(groups, key) for key in keys if key}


def _key(groups: Iterable[Group], measure: str) -> str:
    """The column that every run has: on validation images, else on those of training."""
    runs = [rows for group in groups for rows in group.runs]
    for key in (f"val_{measure}", f"train_{measure}"):
        if all(rows and all(row.get(key) is not None for row in rows) for rows in runs):
            return key
    return ""


def _chart(groups: Sequence[Group], key: str) -> Chart:
    part, _, measure = key.partition("_")
    about = metric(measure)
    runs = [[[(row["epoch"], row[key]) for row in rows] for rows in one.runs] for one in groups]
    points = [point for group in runs for run in group for point in run]
    x, y = epochs(int(max(a for a, _ in points))), axis(about, [b for _, b in points], TALL)
    thin = [
        plots.line("", one.thin, run, x, y.scale, lambda p: "")
        for one, group in zip(groups, runs, strict=True) if len(group) > 1 for run in group
    ]  # fmt: skip
    means = [_mean(one, group, x, y) for one, group in zip(groups, runs, strict=True)]
    ends = [f"{m.name} ends at {m.labels[-1].partition(': ')[2]}" for m in means if m.labels]
    return Chart(
        title=f"{about.title}, {PARTS[part]} images",
        summary=f"{about.title} on {PARTS[part]} images by epoch: {'; '.join(ends)}.",
        x_label="epoch",
        y_label=y.label,
        height=TALL,
        x_ticks=whole(x),
        y_ticks=y.ticks,
        lines=(*thin, *means),
        caption="Thick: the mean; thin: each replicate." if thin else "",
        keys=tuple((one.kind, one.name) for one in groups),
    )


def _mean(group: Group, runs: Sequence[Sequence[Point]], x: Scale, y: Axis) -> Line:
    """The mean over the runs that got so far."""
    values: dict[float, list[float]] = {}
    for epoch, value in sorted(point for run in runs for point in run):
        values.setdefault(epoch, []).append(value)
    data = [(epoch, sum(some) / len(some)) for epoch, some in values.items()]
    return plots.line(
        group.name, group.kind, data, x, y.scale, lambda p: f"epoch {p[0]:.0f}: {y.text(p[1])}"
    )
