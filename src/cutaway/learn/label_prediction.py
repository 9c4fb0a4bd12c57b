"""The prediction of several labels for one image."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cutaway.learn.prediction import RESERVED, Prediction, columns_for

Pairs = tuple[tuple[str, float], ...]
LABELS = "labels"
"""The column of the labels that are predicted."""


@dataclass(frozen=True, kw_only=True)
class LabelPrediction(Prediction):
    """The labels of an image with their probabilities, the most probable first.

    Attributes:
        labels: those that are predicted; there may be none.
        others: the most probable of those that are not.
        probabilities: of every label, by its name, in the order of the labels.
    """

    labels: Pairs = ()
    others: Pairs = ()
    probabilities: Mapping[str, float] = field(default_factory=dict)

    def answer(self) -> dict[str, list[list[str | float]]]:
        return {
            "labels": [list(pair) for pair in self.labels],
            "others": [list(pair) for pair in self.others],
        }

    def cells(self) -> dict[str, str]:
        return {"labels": _listed(self.labels) or "none", "next": _listed(self.others)}

    def row(self) -> dict[str, str | float]:
        """`labels`, the predicted ones between `|`, then the probability of each by its name."""
        columns = columns_for(self.probabilities, (*RESERVED, LABELS))
        told = "|".join(name for name, _ in self.labels)
        return {LABELS: told, **dict(zip(columns, self.probabilities.values(), strict=True))}


def _listed(pairs: Pairs) -> str:
    return ", ".join(f"{name} {p:.1%}" for name, p in pairs)
