"""The section of the report on two classes: what every threshold would give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cutaway.data.target import Classes, Target
from cutaway.figures import Axis, Curves, Series
from cutaway.lab.evidence import Table
from cutaway.learn import two_classes
from cutaway.learn.classification import Classification
from cutaway.learn.cost import MISS_COSTS
from cutaway.learn.two_classes import Points, TwoClasses
from cutaway.show.words import percent

MOST = 400
"""Points of a curve that are drawn."""


@dataclass(frozen=True)
class Thresholds:
    """The curves over all thresholds, the sentences above them, and a table of what some cost.

    Attributes:
        name, other: the class that is looked for, and the other one.
        same: whether every cost has the same threshold.
    """

    name: str
    other: str
    lead: tuple[str, ...]
    figures: tuple[Curves, Curves]
    costs: Table | None
    same: bool


def thresholds(
    result: Classification,
    target: Target,
    chosen: Sequence[float],
    stated: tuple[float, float] | None = None,
) -> Thresholds | None:
    """The section, where there are two classes.

    Args:
        chosen: the thresholds that the validation images gave for `MISS_COSTS`, if any.
        stated: what a miss costs by `--cost`, and the threshold for it.
    """
    if not (isinstance(target, Classes) and two_classes.fits(result)):
        return None
    two = TwoClasses.of(result, target.positive)
    (auc, low, high), (precision, least, most) = two.auc, two.average_precision
    lead: tuple[str, ...] = (
        f"The class that is looked for is “{two.name}”, the rarer one in training (or the second, "
        "of equal ones). Above which probability it is predicted is a choice: a lower threshold "
        f"finds more of it, and takes more of “{two.other}” for it. The curves show every choice.",
        f"Of one “{two.name}” and one “{two.other}”, the first gets the higher probability of "
        f"“{two.name}” {percent(auc)} of the time: the area under the ROC curve (95 % interval "
        f"{percent(low)} to {percent(high)}). The mean precision over all recalls is "
        f"{percent(precision)} (95 % interval {percent(least)} to {percent(most)}), against "
        f"{percent(two.share)} of guessing.",
    )
    if stated:
        lead += (
            f"A missed “{two.name}” was said to cost as much as {stated[0]:g} false alarms, so "
            f"predictions name it from a probability of {percent(stated[1])} on. The accuracy and "
            "the confusions of this page are those of the more probable class.",
        )
    figures, costs = (_roc(two), _precision_recall(two)), _costs(two, chosen, stated)
    same = len(set(chosen)) == 1
    return Thresholds(two.name, two.other, lead, figures, costs, same)


def _costs(
    two: TwoClasses, chosen: Sequence[float], stated: tuple[float, float] | None
) -> Table | None:
    """What each threshold gives on the test images, beside that of the most probable class."""
    if not chosen:
        return None
    each = dict(zip(map(float, MISS_COSTS), chosen, strict=True)) | dict([stated] if stated else [])
    rows = [_cost(two, cost, each[cost]) for cost in sorted(each)]
    columns = (
        f"a missed “{two.name}” costs", "threshold", "found", "false alarms",
        "cost of 100 images", "cost at 50 %",
    )  # fmt: skip
    return Table("Thresholds for what mistakes cost", columns, tuple(rows))


def _cost(two: TwoClasses, cost: float, at: float) -> tuple[str, ...]:
    found, alarms = two.shares_at(at)
    alarm_noun = "false alarm" if cost == 1 else "false alarms"
    return (
        f"{cost:g} {alarm_noun}", percent(at), percent(found), percent(alarms),
        f"{two.cost_at(at, cost):.1f}", f"{two.cost_at(0.5, cost):.1f}",
    )  # fmt: skip


def _roc(two: TwoClasses) -> Curves:
    return Curves(
        title="ROC curve",
        x=Axis(f"“{two.other}” taken for “{two.name}” (%)", share=True, low=0.0, high=1.0),
        y=Axis(f"“{two.name}” found (%)", share=True, low=0.0, high=1.0),
        series=(Series("guessing", (0, 1), (0, 1), role="reference"), _line(*two.roc)),
        caption="Each point is a threshold. The nearer to the upper left corner, the better.",
        summary=f"ROC curve with an area of {percent(two.auc[0])}.",
        form="square",
    )


def _precision_recall(two: TwoClasses) -> Curves:
    guess = Series("guessing", (0, 1), (two.share, two.share), role="reference")
    return Curves(
        title="Precision and recall",
        x=Axis(f"recall: “{two.name}” found (%)", share=True, low=0.0, high=1.0),
        y=Axis("precision: right where it is predicted (%)", share=True, low=0.0, high=1.0),
        series=(guess, _line(*two.precision_recall)),
        caption="Each point is a threshold. The nearer to the upper right corner, the better. Few "
        "predictions stand behind the left end.",
        summary=f"Precision by recall, its mean being {percent(two.average_precision[0])}.",
        form="square",
    )


def _line(x: Points, y: Points) -> Series:
    some = np.unique(np.linspace(0, len(x) - 1, min(MOST, len(x))).round().astype(int))
    return Series("this network", tuple(x[some].tolist()), tuple(y[some].tolist()), role="val")
