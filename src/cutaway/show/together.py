"""The learning curves of several runs or fleets in one chart."""

from collections.abc import Callable, Sequence

from cutaway.learn.compare import Comparison, Side
from cutaway.learn.run import Run
from cutaway.show import plots
from cutaway.show.axes import axis
from cutaway.show.curves import KINDS, TALL
from cutaway.show.meanings import meaning
from cutaway.show.plots import Chart, Line, Point, Scale

MOST = len(KINDS)
"""Sides that are told apart."""


def charts(found: Comparison) -> list[Chart]:
    """The headline's curve and the loss's, on the validation images where there were any."""
    drawn = found.sides[:MOST]
    headline = found.first.runs[0].task.headline
    keys = dict.fromkeys([_key(drawn, headline), _key(drawn, "loss")])
    return [_chart(drawn, key) for key in keys if key]


def _key(sides: Sequence[Side], measure: str) -> str:
    """The column that every run has: on validation images, else on those of training."""
    rows = [run.metrics for side in sides for run in side.runs]
    for key in (f"val_{measure}", f"train_{measure}"):
        if all(found and all(row.get(key) is not None for row in found) for found in rows):
            return key
    return ""


def _chart(sides: Sequence[Side], key: str) -> Chart:
    part, _, measure = key.partition("_")
    about = meaning(measure)
    runs = [[_points(run, key) for run in side.runs] for side in sides]
    points = [point for side in runs for run in side for point in run]
    last = max(a for a, _ in points)
    x = plots.across(1, last) if last > 1 else plots.across(0, 2)
    own = axis(about, [b for _, b in points], TALL)
    thin = [
        plots.line("", f"{KINDS[i]} thin", _above(run, own.scale), x, own.scale, lambda p: "")
        for i, side in enumerate(runs) if len(side) > 1 for run in side
    ]  # fmt: skip
    means = [
        _mean(side.name, KINDS[i], runs[i], x, own.scale, own.text) for i, side in enumerate(sides)
    ]
    where = "validation" if part == "val" else "training"
    ends = [f"{m.name} ends at {m.labels[-1].partition(': ')[2]}" for m in means if m.labels]
    return Chart(
        title=f"{about.title}, {where} images",
        summary=f"{about.title} on {where} images by epoch: {'; '.join(ends)}.",
        x_label="epoch",
        y_label=f"{about.axis} (log scale)" if own.scale.log else about.axis,
        height=TALL,
        x_ticks=plots.place(
            plots.round_ticks(x.low, x.high, 8, whole=True) if x.low else [1], x,
            lambda v: f"{v:.0f}",
        ),
        y_ticks=own.ticks,
        lines=(*thin, *means),
        caption="Thick: the mean; thin: each replicate." if thin else "",
        keys=tuple((KINDS[i], side.name) for i, side in enumerate(sides)),
    )  # fmt: skip


def _points(run: Run, key: str) -> list[Point]:
    return [(row["epoch"], row[key]) for row in run.metrics]


def _above(data: Sequence[Point], y: Scale) -> list[Point]:
    """What lies below the axis stands on it."""
    return [(a, max(b, y.low)) for a, b in data]


def _mean(
    name: str,
    kind: str,
    runs: Sequence[Sequence[Point]],
    x: Scale,
    y: Scale,
    text: Callable[[float], str],
) -> Line:
    """The mean over the replicates that got so far."""
    epochs = sorted({a for run in runs for a, _ in run})
    values = [[b for run in runs for a, b in run if a == epoch] for epoch in epochs]
    data = [(epoch, sum(some) / len(some)) for epoch, some in zip(epochs, values, strict=True)]
    return plots.line(
        name, kind, _above(data, y), x, y, lambda point: f"epoch {point[0]:.0f}: {text(point[1])}"
    )
