"""The answers of whatever answers: a run, a fleet, an exported file. Of NumPy alone, no torch."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cutaway.data.frame import Frame
from cutaway.data.stream import Input, decoded
from cutaway.errors import DataError
from cutaway.learn.inputs import is_many, read_inputs
from cutaway.learn.prediction import Prediction

Outputs = Callable[[np.ndarray], Iterable[Any]]
"""From pixels (n h w c, bytes) of the network's size to an answer for each."""
Tell = Callable[[str, Any, str], Prediction]
"""From a name and an answer, or None and the error for which there is none, to a prediction."""


class Answered(NamedTuple):
    """A picture that was asked about, as the network took it, and what it predicts.

    Attributes:
        pixels: h w c, bytes; None where the picture cannot be read.
    """

    input: Input
    pixels: np.ndarray | None
    prediction: Prediction


class Answering:
    """What predicts for images."""

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        """Each picture, its pixels and its prediction, in order; see `predict_stream`."""
        raise NotImplementedError

    def predict_stream(self, images: Any, coverage: float | None = None) -> Iterator[Prediction]:
        """Predict each image as soon as it is asked for, in order and in flat memory.

        Processes decode the pictures ahead while the network computes, so that a million of them
        take the time of the slower of the two.

        Args:
            images: a path, a folder, a pattern, a table, encoded bytes, a picture of PIL, an array
                h w c, a tensor c h w, a batch, a list or an iterator of such (see
                `inputs.read_inputs`).
            coverage: the share of images for which the set of classes, or the interval of a number,
                is to hold the true one: `prediction_set` or `intervals` is then told, too.

        Raises:
            UsageError: the network tells nothing of images, or cannot promise the coverage.
            DataError: the only image asked about cannot be read. Of several each says so itself,
                in `error`, and the others are answered.
        """
        return (one.prediction for one in self.answered(images, coverage))

    def predict(
        self, images: Any, out: Path | None = None, coverage: float | None = None
    ) -> list[Prediction]:
        """Predict each image: its most probable classes, its mask, its values.

        Args:
            images, coverage: what `predict_stream` takes.
            out: a folder for masks, which are then written and not kept in memory.

        Raises:
            UsageError, DataError: as `predict_stream` does.
            RunError: a mask cannot be written.
        """
        answered = self.answered(images, coverage)
        return [one.prediction for one in (with_masks_written(answered, out) if out else answered)]


def answer_all(images: Any, frame: Frame, outputs: Outputs, tell: Tell) -> Iterator[Answered]:
    """Answer about each image, a lot at a time, while the next ones are decoded.

    Raises:
        DataError: the only image asked about cannot be read; of several each says so itself.
    """
    only = not is_many(images)
    for lot in decoded(read_inputs(images, frame.levels), frame):
        sound = [row for row in range(len(lot.inputs)) if row not in lot.bad]
        answers = iter(outputs(lot.pixels[sound] if lot.bad else lot.pixels) if sound else ())
        for row, (one, pixels) in enumerate(zip(lot.inputs, lot.pixels, strict=True)):
            if row in lot.bad:
                error = _sentence(one, lot.bad[row])
                if only:
                    raise DataError(error)
                yield Answered(one, None, tell(one.name, None, error))
            else:
                yield Answered(one, pixels, tell(one.name, next(answers), ""))


def _sentence(one: Input, problem: str) -> str:
    return f"{one.source}: {problem}" if isinstance(one.source, str) else problem


def with_masks_written(
    answered: Iterable[Answered], folder: Path, overwrite: bool = True
) -> Iterator[Answered]:
    """The same with masks in a folder, `NAME-mask.png`; images of one name are numbered.

    Raises:
        RunError: they cannot be written.
        UsageError: one would overwrite something.
    """
    seen = Counter[str]()
    for one in answered:
        if one.prediction.drawn and not one.prediction.error:
            stem = Path(one.prediction.name).stem
            seen[stem] += 1
            stem = f"{stem}-{seen[stem]}" if seen[stem] > 1 else stem
            one = one._replace(prediction=one.prediction.with_mask_written(folder, stem, overwrite))
        yield one
