"""The learning curves of several runs or fleets in one figure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cutaway.figures import Curves, Role, Series
from cutaway.learn.compare import Comparison
from cutaway.learn.tasks import metric
from cutaway.show import measures
from cutaway.show.charts.drawing import KINDS
from cutaway.show.curves import PARTS, Rows
from cutaway.show.timeline import EPOCH

MOST = len(KINDS)
"""Sides that are told apart."""


@dataclass(frozen=True)
class Group:
    """The rows of some runs by epoch; their mean is a line, each of them a thin one."""

    name: str
    runs: Sequence[Rows]
    role: Role = ""


def figures(comparison: Comparison) -> list[Curves]:
    """The headline's curve and the loss's, on the validation images where there were any."""
    groups = [
        Group(side.name, [run.metrics for run in side.runs]) for side in comparison.sides[:MOST]
    ]
    return list(curves(groups, comparison.first.runs[0].leading).values())


def curves(groups: Sequence[Group], headline: str) -> dict[str, Curves]:
    """The headline's curve and the loss's by column: `val_accuracy`, or `train_accuracy` where
    some run has no figures of validation images."""
    keys = dict.fromkeys([_key(groups, headline), _key(groups, "loss")])
    return {key: _figure(groups, key) for key in keys if key}


def _key(groups: Iterable[Group], measure: str) -> str:
    """The column that every run has: on validation images, else on those of training."""
    runs = [rows for group in groups for rows in group.runs]
    for key in (f"val_{measure}", f"train_{measure}"):
        if all(rows and all(row.get(key) is not None for row in rows) for rows in runs):
            return key
    return ""


def _figure(groups: Sequence[Group], key: str) -> Curves:
    part, _, measure = key.partition("_")
    about = metric(measure)
    series = tuple(_series(group, key) for group in groups)
    ends = [f"{one.name} ends at {measures.brief(about, one.y[-1])}" for one in series]
    several = any(one.replicates for one in series)
    return Curves(
        title=f"{about.title}, {PARTS[part]} images",
        x=EPOCH,
        y=measures.axis(about),
        series=series,
        caption="Thick: the mean; thin: each replicate." if several else "",
        summary=f"{about.title} on {PARTS[part]} images by epoch: {'; '.join(ends)}.",
    )


def _series(group: Group, key: str) -> Series:
    """The mean over the runs that got so far, and each of them where they are several."""
    runs = [tuple(row[key] for row in rows) for rows in group.runs]
    longest = max(group.runs, key=len)
    reached = [[run[i] for run in runs if i < len(run)] for i in range(len(longest))]
    mean = tuple(sum(values) / len(values) for values in reached)
    epochs = tuple(row["epoch"] for row in longest)
    return Series(
        group.name, epochs, mean, role=group.role, replicates=tuple(runs) if len(runs) > 1 else ()
    )
