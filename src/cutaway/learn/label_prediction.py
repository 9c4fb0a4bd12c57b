"""The prediction of several labels for one image."""

from dataclasses import dataclass

from cutaway.learn.prediction import Prediction

Pairs = tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class LabelPrediction(Prediction):
    """The labels of an image with their probabilities, the most probable first.

    Attributes:
        labels: those that are predicted; there may be none.
        others: the most probable of those that are not.
    """

    labels: Pairs = ()
    others: Pairs = ()

    def answer(self) -> dict[str, list[list[str | float]]]:
        return {
            "labels": [list(pair) for pair in self.labels],
            "others": [list(pair) for pair in self.others],
        }

    def cells(self) -> dict[str, str]:
        return {"labels": _listed(self.labels) or "none", "next": _listed(self.others)}


def _listed(pairs: Pairs) -> str:
    return ", ".join(f"{name} {p:.1%}" for name, p in pairs)
