"""Predictions for one image: its class, its values. Those for each pixel are in `mask_prediction`.

Of NumPy alone: the command line predicts one image without torch.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np

from cutaway.errors import DataError

RESERVED = ("image", "unlike", "error")
"""Columns of every table of answers, whatever is predicted."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction for one image; of one that cannot be read, why not.

    Attributes:
        unlike: how far the image is from all that the network learned from (`learn.unlike`): above
            1 it is unlike them; None where that is not known.
    """

    drawn: ClassVar[bool] = False
    """Whether a picture belongs to it, which goes into a folder."""

    name: str
    error: str = ""
    unlike: float | None = None

    def raise_error(self) -> None:
        """Raise DataError where the image could not be read."""
        if self.error:
            raise DataError(self.error)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        if self.error:
            return {"image": self.name, "error": self.error}
        return {"image": self.name, **self.answer(), **self.likeness()}

    def answer(self) -> Mapping[str, object]:
        """The answer as plain values."""
        return {}

    def cells(self) -> dict[str, str]:
        """The answer as the cells of a table for people, by their headings."""
        return {}

    def row(self) -> Mapping[str, str | float]:
        """The answer as a row of a table for programs, by its columns."""
        return self.cells()

    def likeness(self) -> dict[str, float]:
        """`unlike` by its name, where it is known."""
        return {} if self.unlike is None else {"unlike": round(self.unlike, 3)}

    @property
    def is_unlike(self) -> bool:
        """Whether the image is unlike all that the network learned from."""
        return self.unlike is not None and self.unlike > 1

    @property
    def doubt(self) -> float | None:
        """How unsure the answer is, from 0 to 1; None where it does not tell."""
        return None

    def with_mask_written(self, folder: Path, stem: str, overwrite: bool = True) -> "Prediction":
        """The same, with what is a picture of it in a folder, by a name without ending.

        Raises:
            RunError: it cannot be written.
            UsageError: it would overwrite something.
        """
        return self


@dataclass(frozen=True, kw_only=True)
class ClassPrediction(Prediction):
    """The most probable classes of an image, best first; of two, that which a cost decides for.

    Attributes:
        prediction_set: the classes among which the true one is with the probability that was asked
            for, best first; empty where none is probable enough; None where none was asked for.
    """

    top: tuple[tuple[str, float], ...] = ()
    prediction_set: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        answer: np.ndarray,
        names: Sequence[str],
        decision: Sequence[float] = (),
    ) -> "ClassPrediction":
        """The five classes that `best_first` puts first, by the probability of each."""
        best = best_first(answer, decision)[:5]
        return cls(name=name, top=tuple((names[k], float(answer[k])) for k in best))

    @property
    def label(self) -> str:
        """The class that is predicted: the most probable, where no cost decides otherwise.

        Raises:
            DataError: the image could not be read.
        """
        self.raise_error()
        return self.top[0][0]

    @property
    def doubt(self) -> float | None:
        """One minus the highest probability."""
        return 1 - self.top[0][1] if self.top else None

    def answer(self) -> dict[str, object]:
        top: dict[str, object] = {"top": [list(pair) for pair in self.top]}
        return top if self.prediction_set is None else top | {"set": list(self.prediction_set)}

    def cells(self) -> dict[str, str]:
        label, probability = self.top[0]
        others = ", ".join(f"{name} {p:.1%}" for name, p in self.top[1:])
        cells = {"answer": label, "probability": f"{probability:.1%}"}
        if self.prediction_set is not None:
            cells["set"] = ", ".join(self.prediction_set) or "none"
        return cells | {"next": others}

    def row(self) -> dict[str, str | float]:
        """`answer`, `probability`, then `answer_2`, `probability_2` and so on; last the `set`."""
        row: dict[str, str | float] = {}
        for place, (name, probability) in enumerate(self.top, 1):
            ending = f"_{place}" if place > 1 else ""
            row |= {f"answer{ending}": name, f"probability{ending}": probability}
        if self.prediction_set is not None:
            row["set"] = "|".join(self.prediction_set)
        return row


def best_first(answer: np.ndarray, decision: Sequence[float] = ()) -> list[int]:
    """Classes by their probabilities, the most probable first.

    Args:
        decision: of two classes, the number of one, and from which probability on it comes first.
    """
    if decision:
        positive, threshold = int(decision[0]), decision[1]
        first = positive if answer[positive] >= threshold else 1 - positive
        return [first, 1 - first]
    best: list[int] = np.argsort(-answer, kind="stable").tolist()
    return best


@dataclass(frozen=True, kw_only=True)
class ValuePrediction(Prediction):
    """The numbers that are told of an image, by their names.

    Attributes:
        intervals: from where to where each true number is with the probability that was asked for;
            None where none was.
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]] | None = None

    @classmethod
    def of(
        cls, name: str, answer: np.ndarray, names: Sequence[str], margins: Sequence[float] = ()
    ) -> "ValuePrediction":
        """The numbers of these names, with no more digits than they have.

        Args:
            margins: how far the interval of each reaches to both sides, where one is asked for.
        """
        values = {n: float(str(v)) for n, v in zip(names, answer, strict=True)}
        intervals = {
            n: (float(f"{v - margin:.7g}"), float(f"{v + margin:.7g}"))
            for (n, v), margin in zip(values.items(), margins, strict=False)
        }
        return cls(name=name, values=values, intervals=intervals or None)

    def answer(self) -> dict[str, object]:
        told: dict[str, object] = {"values": self.values}
        if self.intervals is not None:
            told["intervals"] = {name: list(pair) for name, pair in self.intervals.items()}
        return told

    def cells(self) -> dict[str, str]:
        cells = {}
        columns = columns_for(self.values, RESERVED)
        for column, (name, value) in zip(columns, self.values.items(), strict=True):
            cells[column] = f"{value:.6g}"
            if self.intervals is not None:
                low, high = self.intervals[name]
                cells[f"{column}, interval"] = f"{low:.6g} to {high:.6g}"
        return cells

    def row(self) -> dict[str, float]:
        """Each number by its name, then `NAME_low` and `NAME_high` of its interval."""
        row = {}
        columns = columns_for(self.values, RESERVED)
        for column, (name, value) in zip(columns, self.values.items(), strict=True):
            row[column] = value
            if self.intervals is not None:
                ends = columns_for((f"{name}_low", f"{name}_high"), (*RESERVED, *columns))
                row |= dict(zip(ends, self.intervals[name], strict=True))
        return row


def columns_for(names: Iterable[str], taken: Collection[str]) -> list[str]:
    """The columns of a table for these names: `NAME`, or `NAME_2` where a column has that name."""
    names = list(names)
    return [_free(name, {*taken, *names}) if name in taken else name for name in names]


def _free(name: str, taken: Collection[str]) -> str:
    return next(one for n in count(2) if (one := f"{name}_{n}") not in taken)
