"""Compare the runs or fleets at some paths."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cutaway.data.imageset import PARTS
from cutaway.errors import UsageError
from cutaway.learn.compare.images import over_images
from cutaway.learn.compare.replicates import over_replicates
from cutaway.learn.compare.result import ComparisonResult, Difference
from cutaway.learn.compare.sides import Side, sides
from cutaway.learn.metrics import Metric
from cutaway.learn.recipe import OWN, REPLICATE, Recipe
from cutaway.learn.run import Run
from cutaway.learn.stats import Estimate, holm


@dataclass(frozen=True, kw_only=True)
class Comparison(ComparisonResult):
    """The result of a comparison, with what was compared and by which metric.

    Attributes:
        on: the part of the data that the figures are of.
        settings: fields of the recipes that differ, with the value of each side.
    """

    sides: tuple[Side, ...]
    metric: Metric
    on: str
    settings: dict[str, tuple[object, ...]]

    @property
    def fleets(self) -> bool:
        return self.sides[0].fleet

    @property
    def first(self) -> Side:
        return self.sides[0]

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "measure": self.metric.name,
            "higher_is_better": self.metric.higher,
            "on": self.on,
            "images": self.images,
            "groups": self.groups,
            "overlap": self.overlap,
            "sides": [
                {"name": one.side.name, "path": str(one.side.path), "replicates": len(one.values)}
                | _numbers(one.estimate) | {"values": list(one.values)}
                for one in self.standings
            ],
            "differences": [_difference(self.first, one) for one in self.differences],
            "settings": {name: list(values) for name, values in self.settings.items()},
        }  # fmt: skip


def compare(paths: Sequence[str | Path], on: str = "test") -> Comparison:
    """Runs or fleets beside the first of them.

    What the runs answered at the end of training is used where it was kept; a run that has to be
    evaluated anew logs the look.

    Args:
        on: `test`, `val` or `train`.

    Raises:
        UsageError: runs that cannot be compared, with the reason.
        RunError: a run that has not ended, or is damaged.
    """
    if on not in PARTS:
        raise UsageError(f"A run has the parts train, val and test, not '{on}'.")
    compared = sides(paths)
    metric = _metric(compared)
    for side in compared[1:]:
        _check_data(compared[0], side, metric)
    if len({side.fleet for side in compared}) > 1:
        raise _mixed(compared)
    result = (over_replicates if compared[0].fleet else over_images)(compared, metric, on)
    raised = holm([one.p for one in result.differences])
    differences = [replace(d, p=p) for d, p in zip(result.differences, raised, strict=True)]
    about = {"sides": tuple(compared), "metric": metric, "on": on}
    about |= {"settings": settings(compared), "differences": tuple(differences)}
    return Comparison(**(vars(result) | about))


def settings(compared: Sequence[Side]) -> dict[str, tuple[object, ...]]:
    """The fields that differ; options of the model and the like one by one.

    Of fleets without those in which their own members differ.
    """
    plain = [_flat(side.recipe) for side in compared]
    names = dict.fromkeys(name for one in plain for name in one)
    hidden = REPLICATE if compared[0].fleet else ()
    rows = {name: tuple(one.get(name) for one in plain) for name in names if name not in hidden}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}


def _flat(recipe: Recipe) -> dict[str, object]:
    """The recipe's fields, each option of the model and the like as one of them."""
    fields: dict[str, object] = {}
    for name, value in recipe.to_dict().items():
        if isinstance(value, dict):
            fields |= {f"{name}.{option}": chosen for option, chosen in value.items()}
        else:
            fields[name] = value
    return fields


def _metric(compared: Sequence[Side]) -> Metric:
    metrics = [_comparing(side.runs[0]) for side in compared]
    for side, one in zip(compared, metrics, strict=True):
        if one != metrics[0]:
            first, task = compared[0], side.recipe.in_stages()[-1].task
            raise UsageError(
                f"{first.name} is measured by {metrics[0].name} (task "
                f"'{first.recipe.in_stages()[-1].task}') and {side.name} by {one.name} (task "
                f"'{task}'): only runs that are measured alike can be compared."
            )
    return metrics[0]


def _comparing(run: Run) -> Metric:
    return run.task.comparing(run.data.target)


def _check_data(a: Side, b: Side, metric: Metric) -> None:
    """Refuse other data; the same pictures at another size will do where classes are told."""
    ours, theirs = a.recipe, b.recipe
    if a.runs[0].data.fingerprint == b.runs[0].data.fingerprint:
        return
    resized = ours.data == theirs.data and ours.image_size != theirs.image_size
    if not (resized and not ours.data.startswith(OWN) and metric.binary):
        said = [f"'{recipe.data.removeprefix(OWN)}'" for recipe in (ours, theirs)]
        what = f"from {' and '.join(said)}" if said[0] != said[1] else f"from {said[0]}, changed"
        raise UsageError(
            f"{a.name} and {b.name} learned {what}: only runs on the same data can be compared."
        )


def _mixed(compared: Sequence[Side]) -> UsageError:
    fleet = next(side for side in compared if side.fleet)
    run = next(side for side in compared if not side.fleet)
    return UsageError(
        f"{fleet.name} is a fleet of {len(fleet.runs)} and {run.name} a single run, which has no "
        f"spread: train it with --replicates {len(fleet.runs)}, or compare it with one member, "
        f"{fleet.runs[0].path}."
    )


def _difference(first: Side, one: Difference) -> dict[str, object]:
    gain = _numbers(one.gain)
    return {
        "of": one.side.name,
        "from": first.name,
        "gain": gain.pop("value"),
        **gain,
        "p": one.p,
        "seen": one.seen,
        "test": one.test,
        "paired_by": list(one.by),
        "unit": one.unit,
        "count": one.count,
        "only_right": list(one.only) if one.only else None,
        "needed": one.needed,
        "smallest_visible": one.visible,
    }


def _numbers(estimate: Estimate) -> dict[str, float | list[float]]:
    return {
        "value": estimate.value,
        "interval": [estimate.low, estimate.high],
        "standard_error": estimate.error,
    }
