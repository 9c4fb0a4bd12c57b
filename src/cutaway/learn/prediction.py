"""Predictions for one image: its class, its mask, its values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from cutaway.errors import DataError
from cutaway.learn.image_grid import save_mask


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction for one image; of one that cannot be read, why not."""

    name: str
    error: str = ""

    def raise_error(self) -> None:
        """Raise DataError where the image could not be read."""
        if self.error:
            raise DataError(self.error)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {"image": self.name, **({"error": self.error} if self.error else self.answer())}

    def answer(self) -> Mapping[str, object]:
        """The answer as plain values."""
        return {}

    def cells(self) -> dict[str, str]:
        """The answer as the cells of a table, by their headings."""
        return {}

    def with_mask_written(self, folder: Path, stem: str) -> "Prediction":
        """The same, with what is a picture of it in a folder, by a name without ending.

        Raises:
            RunError: it cannot be written.
        """
        return self


@dataclass(frozen=True, kw_only=True)
class ClassPrediction(Prediction):
    """The most probable classes of an image, best first.

    Attributes:
        prediction_set: the classes among which the true one is with the probability that was asked
            for, best first; empty where none is probable enough; None where none was asked for.
    """

    top: tuple[tuple[str, float], ...] = ()
    prediction_set: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """The most probable class.

        Raises:
            DataError: the image could not be read.
        """
        self.raise_error()
        return self.top[0][0]

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


@dataclass(frozen=True, kw_only=True)
class ValuePrediction(Prediction):
    """The numbers that are told of an image, by their names."""

    values: dict[str, float]

    def answer(self) -> dict[str, dict[str, float]]:
        return {"values": self.values}

    def cells(self) -> dict[str, str]:
        return {name: f"{value:.6g}" for name, value in self.values.items()}


@dataclass(frozen=True, kw_only=True)
class MaskPrediction(Prediction):
    """The most probable class of each pixel of an image, as large as the network takes it.

    Attributes:
        mask: indices into the classes; None once it is in a file.
        classes: the names of all classes.
        present: those of the classes that occur.
        file: where the mask has been written; empty where it has not.
    """

    mask: UInt8[Tensor, "h w"] | None = None
    classes: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    file: str = ""

    def answer(self) -> dict[str, str]:
        return {"mask": self.file, "classes": ", ".join(self.present)}

    def cells(self) -> dict[str, str]:
        return self.answer()

    def with_mask_written(self, folder: Path, stem: str) -> "MaskPrediction":
        if self.mask is None:
            return self
        target = folder / f"{stem}-mask.png"
        save_mask(target, self.mask, len(self.classes))
        return replace(self, mask=None, file=str(target))
