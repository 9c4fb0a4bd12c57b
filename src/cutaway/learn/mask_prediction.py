"""The prediction for each pixel of an image."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from jaxtyping import UInt8
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.learn.image_grid import save_mask
from cutaway.learn.prediction import Prediction


@dataclass(frozen=True, kw_only=True)
class MaskPrediction(Prediction):
    """The most probable class of each pixel of an image, as large as the network takes it.

    Attributes:
        mask: indices into the classes; None once it is in a file.
        classes: the names of all classes.
        present: those of the classes that occur.
        unsure: one minus the highest probability, a mean over the pixels.
        file: where the mask has been written; empty where it has not.
    """

    drawn: ClassVar[bool] = True

    mask: UInt8[Tensor, "h w"] | None = None
    classes: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    unsure: float | None = None
    file: str = ""

    @property
    def doubt(self) -> float | None:
        return self.unsure

    def answer(self) -> dict[str, str]:
        return {"mask": self.file, "classes": ", ".join(self.present)}

    def cells(self) -> dict[str, str]:
        return self.answer()

    def with_mask_written(
        self, folder: Path, stem: str, overwrite: bool = True
    ) -> "MaskPrediction":
        if self.mask is None:
            return self
        target = folder / f"{stem}-mask.png"
        if not overwrite and target.exists():
            raise UsageError(
                f"{target} exists already and is not overwritten: name another folder with --out, "
                "or add --overwrite."
            )
        save_mask(target, self.mask, len(self.classes))
        return replace(self, mask=None, file=str(target))
