"""Several labels an image: each label by itself, which occur together, and the worst images."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.figures import Axis, Curves, Series
from cutaway.learn.multilabel import LabelMetrics, MultiLabelEvaluation
from cutaway.learn.ranking import FEW, ranking
from cutaway.show.pages.base import Outcome, Page, Section, Subject, build_page, tiles
from cutaway.show.pictures import Picture, Signal, example
from cutaway.show.words import digits_for, percent, plural, resampled

LABELS = Section("labels", "Labels")
TOGETHER = Section("together", "Together", "labels_together")
WORST = Section("worst", "Worst images", "labels_worst")
CURVES, MATRIX, PAIRS, CARDS = 8, 24, 20, 24
"""Labels with curves, labels in the tables, pairs and images that are listed, at most."""


@dataclass(frozen=True)
class Cell:
    """Images of a row's label that have a column's, too; `tint` is per cent of colour."""

    count: int
    tint: int
    said: str


@dataclass(frozen=True)
class Pair:
    """Two labels, the images that have both, and those of which both are predicted."""

    first: str
    second: str
    true: int
    predicted: int


@dataclass(frozen=True)
class Card:
    """An image with its labels, and those that were predicted."""

    name: str
    picture: Picture | Signal
    true: str
    predicted: str


def page(subject: Subject) -> Page:
    result = subject.result
    assert isinstance(result, MultiLabelEvaluation)
    true, predicted = result.together()
    names = result.names[:MATRIX]
    content = {
        "rows": by_label(result),
        "few": FEW,
        "curve": curve(result),
        "pairs": pairs(result.names, true, predicted),
        "names": names,
        "together": [
            ("True labels", cells(names, true)), ("Predicted labels", cells(names, predicted)),
        ],
        "shown": len(result.names) <= MATRIX,
        "cards": cards(result, subject.images) if subject.images else [],
    }  # fmt: skip
    sections = (LABELS, TOGETHER, WORST) if len(result.names) > 1 else (LABELS, WORST)
    return build_page(subject, outcome(subject, result), sections, **content)


def outcome(subject: Subject, result: MultiLabelEvaluation) -> Outcome:
    value, n = result.mean_average_precision, plural(len(result), "test " + subject.noun)
    lead = [
        f"For a label, the average precision is the area below its curve of precision and recall; "
        f"the mean over the {plural(len(result.names), 'label')} is {percent(value)}"
        f"{_interval(result)}. 100 % would put every {subject.noun} with a label before all "
        f"without it; answers that tell nothing get {percent(result.chance)}.",
        f"Every label is right for {percent(result.subset_accuracy)} of the {subject.noun}s. Of "
        f"all decisions, one for each label of each {subject.noun}, "
        f"{percent(result.hamming_loss)} are wrong.",
    ]
    notes = {
        "f1": "mean over the labels, at their thresholds",
        "micro_f1": "all decisions together",
        "auc": "mean over the labels; 50 % is chance",
        "subset_accuracy": f"{subject.noun}s with every label right",
        "hamming_loss": "share of decisions that are wrong",
        "loss": "mean −ln p of the truth, in nats a label",
    }
    caption, places = f"mean average precision on {n}", digits_for(len(result))
    return Outcome(percent(value), caption, lead, tiles(subject.measures, notes, places))


def _interval(result: MultiLabelEvaluation) -> str:
    if result.interval is None:
        return ""
    low, high = result.interval
    groups = resampled(result.related)
    return f" (95 % interval {percent(low)} to {percent(high)}{groups})"


def by_label(result: MultiLabelEvaluation) -> list[dict[str, Any]]:
    """`MultiLabelEvaluation.per_label`, the weakest marked: not more than a fifth."""
    rows = result.per_label()
    tested = sorted((row for row in rows if (_precision(row)) < 1), key=_precision)
    weakest = tested[: max(1, len(rows) // 5)]
    return [{**row, "weak": any(row is weak for weak in weakest)} for row in rows]


def _precision(row: LabelMetrics) -> float:
    value = row["average_precision"]
    return 1.0 if value is None else value


def curve(result: MultiLabelEvaluation) -> Curves:
    """Precision against recall of each label; of many, of the weakest."""
    tested = [(_precision(row), k) for k, row in enumerate(result.per_label()) if row["images"]]
    drawn = sorted(k for _, k in sorted(tested)[:CURVES])
    weakest = len(tested) > CURVES
    return Curves(
        title=f"Precision and recall{' of the weakest labels' if weakest else ''}",
        x=Axis("recall (%)", share=True, low=0.0, high=1.0),
        y=Axis("precision (%)", share=True, low=0.0, high=1.0),
        series=tuple(_series(result, k) for k in drawn),
        caption="From left to right the threshold falls: more of the images with the label are "
        "found, and more others with them.",
        summary="Precision against recall, a curve a label.",
        form="square",
    )


def _series(result: MultiLabelEvaluation, k: int) -> Series:
    ranked = ranking(result.probabilities[:, k], result.true[:, k])
    points = zip(ranked.recall.tolist(), ranked.precision.tolist(), strict=True)
    x, y = zip(*points, strict=True)
    return Series(result.names[k], (0.0, *x), (y[0], *y))


def cells(names: tuple[str, ...], counts: Int[Tensor, "k k"]) -> list[list[Cell]]:
    """For each label the images that have another, too; on the diagonal those that have it."""
    rows = counts.tolist()
    return [
        [_cell(names[i], names[j], rows[i][j], rows[i][i]) for j in range(len(names))]
        for i in range(len(names))
    ]


def _cell(first: str, second: str, count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    said = f"{count:,} with {first}" if first == second else (
        f"{first} and {second}: {count:,} of {total:,} with {first} ({percent(share)})"
    )  # fmt: skip
    return Cell(count, round(8 + 42 * share**0.5) if count else 0, said)


def pairs(
    names: tuple[str, ...], true: Int[Tensor, "k k"], predicted: Int[Tensor, "k k"]
) -> list[Pair]:
    """The labels that are most often together, in truth or as predicted."""
    every = [
        Pair(names[i], names[j], int(true[i, j]), int(predicted[i, j]))
        for i in range(len(names))
        for j in range(i)
        if true[i, j] or predicted[i, j]
    ]
    return sorted(every, key=lambda pair: -max(pair.true, pair.predicted))[:PAIRS]


def cards(result: MultiLabelEvaluation, images: ImageSet) -> list[Card]:
    """The images whose labels were the least probable, that one first."""
    return [_card(result, images, row) for row in result.worst(CARDS).tolist()]


def _card(result: MultiLabelEvaluation, images: ImageSet, row: int) -> Card:
    at = int(result.index[row])
    true, predicted = (
        ", ".join(result.names[k] for k in one[row].nonzero().flatten().tolist()) or "none"
        for one in (result.true, result.predicted)
    )
    return Card(images.names[at], example(images.images[at]), true, predicted)
