"""Results of a classifier: its confusions, its classes and its calibration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Int
from torch import Tensor

from cutaway.figures import Axis, Curves, Matrix, Series
from cutaway.learn.by_class import ClassMetrics
from cutaway.learn.calibration import LEAST
from cutaway.learn.classification import BINS, Classification
from cutaway.learn.recipe import Recipe
from cutaway.learn.stats import wilson
from cutaway.learn.unlike import FLAGGED
from cutaway.show.charts.matrix import FEW
from cutaway.show.words import percent, plural

PAIRS, WEAKEST = 8, 10
CONFIDENCE = Axis("confidence of the network (%)", share=True, low=0.0, high=1.0)


@dataclass(frozen=True)
class Pair:
    """A confusion: `count` of the `total` images of class `truth` were answered as `answer`."""

    truth: str
    answer: str
    count: int
    total: int


def matrix(result: Classification, noun: str) -> Matrix:
    """The confusion matrix: rows are true classes, columns predictions."""
    classes, k = result.classes, len(result.classes)
    few = (
        f"Rows: what the {noun} shows; columns: what the network predicted. The stronger the "
        "colour, the larger the share of its row: blue for correct predictions, orange for "
        "mistakes."
    )
    many = (
        f"{k} classes, in order. From top to bottom: what the {noun} shows; from left to right: "
        "what the network predicted. Correct predictions lie on the diagonal (blue), mistakes off "
        "it (orange)."
    )
    return Matrix(
        title="Confusion matrix",
        rows=classes,
        columns=classes,
        counts=tuple(map(tuple, result.confusion.tolist())),
        caption=many if k > FEW else few,
        summary=f"Confusion matrix of {k} classes: rows are true classes, columns are predictions.",
    )


@runtime_checkable
class Confused(Protocol):
    """Classes of images or of pixels, and how often each was answered as which."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def confusion(self) -> Int[Tensor, "k k"]: ...


def pairs(result: Confused, most: int = PAIRS) -> list[Pair]:
    """The commonest confusions of images, or of pixels, that one first."""
    totals, wrong = result.confusion.sum(1).tolist(), result.confusion.clone().fill_diagonal_(0)
    best = wrong.flatten().sort(descending=True, stable=True)
    top = zip(best.indices[:most].tolist(), best.values[:most].tolist(), strict=True)
    k = len(result.classes)
    return [
        Pair(result.classes[at // k], result.classes[at % k], count, totals[at // k])
        for at, count in top
        if count
    ]


def by_class(result: Classification) -> list[dict[str, Any]]:
    """`Classification.per_class`, the weakest marked: the lowest F1, not more than a fifth."""
    rows = result.per_class()
    tested = [row for row in rows if row["images"] and _f1(row) < 1]
    limit = min(WEAKEST, max(1, len(rows) // 5))
    weakest = sorted(tested, key=_f1)[:limit]
    return [{**row, "weak": any(row is weak for weak in weakest)} for row in rows]


def _f1(row: ClassMetrics) -> float:
    """Of a class with images, which has one."""
    assert row["f1"] is not None
    return row["f1"]


def weakest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The marked classes, the lowest F1 first."""
    return sorted((row for row in rows if row["weak"]), key=lambda row: row["f1"])


def trust(result: Classification, temperature: float = 1.0) -> str:
    """In words, whether the network is surer than it is right, and what its temperature did."""
    stated = result.probabilities.max(1).values.double().mean().item()
    gap = stated - result.accuracy
    if abs(gap) < 0.005:
        verdict = "about as confident as it is accurate"
    else:
        verdict = "overconfident" if gap > 0 else "underconfident"
    right = percent(result.accuracy)
    return (
        f"Overall it is {verdict}: its mean confidence is {percent(stated)}, and its accuracy "
        f"{right}.{_effect(result, temperature)}"
    )


def distorted(recipe: Recipe) -> str:
    """In words, what counting the classes alike does to probabilities; nothing where that is not
    so."""
    if recipe.class_weights == "none" and recipe.sampling == "shuffled" and not recipe.logit_adjust:
        return ""
    return (
        "It learned as if its classes were more equal than they are, so that rare ones are found: "
        "its probabilities are those of such a world, too high for rare classes and too low for "
        "common ones, and one temperature for all cannot undo that. Where you need the "
        "probabilities themselves, train without, and choose thresholds instead."
    )


def unlike(facts: Mapping[str, Any], noun: str) -> str:
    """In words, how many test images are unlike all that the network learned from."""
    if not facts or facts["flagged"] is None:
        return ""
    return (
        f"`cutaway predict` marks {noun}s that are unlike all that it learned from: "
        f"farther from the nearest of them than {percent(1 - FLAGGED, 0)} of the validation "
        f"{noun}s are, in the features before its last layer. Of these {noun}s it marks "
        f"{percent(facts['flagged'])}."
    )


def _effect(result: Classification, temperature: float) -> str:
    """In words, what dividing the scores by a temperature did to the probabilities."""
    if temperature == 1:
        return ""
    scores = result.probabilities.clamp(min=LEAST).log() * temperature
    before = result.with_answers(scores.softmax(1)).calibration_error
    return (
        f" Its scores are divided by {temperature:.3g} before they become probabilities, a "
        "temperature that the validation images gave: without it the ECE would be "
        f"{percent(before)}."
    )


def calibration(result: Classification) -> tuple[Curves, Curves]:
    """The share that is right by stated probability, and how many answers stand behind it."""
    bins = [(p, r, round(n)) for p, r, n in result.calibration.tolist() if n]
    stated, right, counts = (tuple(column) for column in zip(*bins, strict=True))
    ends = [wilson(round(r * n), n) for _, r, n in bins]
    answers = Series(
        "this network, with 95 % intervals", stated, right,
        tuple(low for low, _ in ends), tuple(high for _, high in ends),
        style="dots", role="val", labels=tuple(_answers(*one) for one in bins),
        weights=tuple(n / len(result) for n in counts),
    )  # fmt: skip
    by_confidence = "; ".join(f"{percent(r)} at a confidence of {percent(p)}" for p, r, _ in bins)
    shares = Curves(
        title="Calibration",
        x=CONFIDENCE,
        y=Axis("accuracy (%)", share=True, low=0.0, high=1.0),
        series=(Series("perfect calibration", (0, 1), (0, 1), role="reference"), answers),
        caption="Below the diagonal the network is overconfident, above it underconfident. A "
        "larger dot stands for more predictions; a long whisker means few.",
        summary=f"Accuracy by confidence: {by_confidence}.",
        form="square",
    )
    return shares, _counts(result)


def _answers(stated: float, right: float, count: int) -> str:
    """Return a bin in words."""
    return f"confidence {percent(stated)}: {percent(right)} of {plural(count, 'prediction')} right"


def _counts(result: Classification) -> Curves:
    counts = tuple(round(row[2]) for row in result.calibration.tolist())
    middles = tuple((i + 0.5) / BINS for i in range(BINS))
    labels = tuple(_bin(i, count) for i, count in enumerate(counts))
    return Curves(
        title="Predictions",
        x=CONFIDENCE,
        y=Axis("predictions", zero=True, whole=True),
        series=(Series("", middles, counts, style="columns", labels=labels),),
        caption="How many predictions were made with each confidence.",
        summary=f"Most predictions: {labels[counts.index(max(counts))]}.",
        form="flat",
    )


def _bin(i: int, count: int) -> str:
    return (
        f"{100 * i / BINS:.0f} to {100 * (i + 1) / BINS:.0f} % confidence: "
        f"{plural(count, 'prediction')}"
    )
