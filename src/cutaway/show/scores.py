"""How good the answers are: the headline, the confusions, the classes and the calibration."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Int
from torch import Tensor

from cutaway.learn.classification import BINS, Classification, ClassMetrics
from cutaway.learn.stats import wilson
from cutaway.show import axes, plots
from cutaway.show.plots import Bar, Chart, Dot
from cutaway.show.words import percent, plural

FEW = 30
"""Up to so many classes the confusion matrix is a table with numbers."""
PAIRS, WEAKEST = 8, 10
TALL, SMALL = 300, 130


@dataclass(frozen=True)
class Cell:
    """One field of the confusion matrix; `share` is that of its row."""

    count: int
    share: float
    right: bool
    label: str

    @property
    def tint(self) -> int:
        """Per cent of colour: the root lets a few mistakes among many right answers be seen."""
        return round(8 + 42 * self.share**0.5) if self.count else 0


@dataclass(frozen=True)
class Pair:
    """A confusion: `count` of the `total` images of class `truth` were answered as `answer`."""

    truth: str
    answer: str
    count: int
    total: int


def matrix(found: Classification) -> list[list[Cell]] | None:
    """The confusion matrix, rows are true classes; None where there are too many for a table."""
    if len(found.classes) > FEW:
        return None
    counts = found.confusion.tolist()
    return [
        [_cell(found.classes, row, column, count, sum(line)) for column, count in enumerate(line)]
        for row, line in enumerate(counts)
    ]


def _cell(classes: tuple[str, ...], row: int, column: int, count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    label = f"{classes[row]}, predicted {classes[column]}: {count} of {total} ({percent(share)})"
    return Cell(count, share, row == column, label if count else "")


@runtime_checkable
class Confused(Protocol):
    """What has been told apart: images, or pixels."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def confusion(self) -> Int[Tensor, "k k"]: ...


def pairs(found: Confused, most: int = PAIRS) -> list[Pair]:
    """The commonest confusions of images, or of pixels, that one first."""
    totals, wrong = found.confusion.sum(1).tolist(), found.confusion.clone().fill_diagonal_(0)
    best = wrong.flatten().sort(descending=True, stable=True)
    top = zip(best.indices[:most].tolist(), best.values[:most].tolist(), strict=True)
    k = len(found.classes)
    return [
        Pair(found.classes[at // k], found.classes[at % k], count, totals[at // k])
        for at, count in top
        if count
    ]


def by_class(found: Classification) -> list[dict[str, Any]]:
    """`Classification.per_class`, the weakest marked: the lowest F1, not more than a fifth."""
    rows = found.per_class()
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


def trust(found: Classification) -> str:
    """In words, whether the network is surer than it is right."""
    stated = found.probabilities.max(1).values.double().mean().item()
    gap = stated - found.accuracy
    if abs(gap) < 0.005:
        verdict = "about as confident as it is accurate"
    else:
        verdict = "overconfident" if gap > 0 else "underconfident"
    right = percent(found.accuracy)
    return (
        f"Overall it is {verdict}: its mean confidence is {percent(stated)}, and its accuracy "
        f"{right}."
    )


def calibration(found: Classification) -> tuple[Chart, Chart]:
    """The share that is right by stated probability, and how many answers stand behind it."""
    x, y = plots.across(0, 1), plots.upright(0, 1, TALL)
    filled = [row for row in found.calibration.tolist() if row[2]]
    ticks = axes.quarters(x)
    perfect = plots.line("perfect", "perfect", ((0, 0), (1, 1)), x, y, lambda p: "")
    shares = Chart(
        title="Calibration",
        summary="Accuracy by confidence: "
        + "; ".join(f"{percent(r)} at a confidence of {percent(p)}" for p, r, _ in filled)
        + ".",
        x_label="confidence of the network (%)",
        y_label="accuracy (%)",
        height=TALL,
        x_ticks=ticks,
        y_ticks=axes.quarters(y),
        lines=(perfect,),
        dots=tuple(_dot(p, r, round(n), len(found), x, y) for p, r, n in filled),
    )
    return shares, _counts(found, x, ticks)


def _dot(
    stated: float, right: float, count: int, total: int, x: plots.Scale, y: plots.Scale
) -> Dot:
    """A bin, its area growing with its share of the answers."""
    low, high = wilson(round(right * count), count)
    label = f"confidence {percent(stated)}: {percent(right)} of {plural(count, 'prediction')} right"
    radius = round(3 + 8 * (count / total) ** 0.5, 1)
    return Dot(x(stated), y(right), radius, y(low), y(high), label)


def _counts(found: Classification, x: plots.Scale, ticks: plots.Ticks) -> Chart:
    counts = [round(row[2]) for row in found.calibration.tolist()]
    y = plots.upright(0, max(counts) * 1.1, SMALL)
    bars = tuple(
        Bar(x(i / BINS) + 1, y(n), x((i + 1) / BINS) - x(i / BINS) - 2, y(0) - y(n), _bin(i, n))
        for i, n in enumerate(counts)
        if n
    )
    return Chart(
        title="Predictions",
        summary=f"Most predictions: {_bin(counts.index(max(counts)), max(counts))}.",
        x_label="confidence of the network (%)",
        y_label="predictions",
        height=SMALL,
        x_ticks=ticks,
        y_ticks=axes.counts(y),
        bars=bars,
    )


def _bin(i: int, count: int) -> str:
    return (
        f"{100 * i / BINS:.0f} to {100 * (i + 1) / BINS:.0f} % confidence: "
        f"{plural(count, 'prediction')}"
    )
