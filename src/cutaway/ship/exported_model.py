"""An exported file, opened: its description and its outputs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cutaway.arithmetic import exact
from cutaway.errors import UsageError
from cutaway.learn.answers import Answered, Answering, answer_all
from cutaway.learn.card import DataCard
from cutaway.learn.conformal import covering
from cutaway.learn.prediction import Prediction
from cutaway.ship.about import About

Forward = Callable[[np.ndarray], np.ndarray]
CHUNK = 256


@dataclass(frozen=True)
class ExportedModel(Answering):
    """An exported network that runs on plain arrays.

    Attributes:
        answer: gives the outputs of a batch. It takes pixels (`uint8`, channels last), codes z
            (`float32`, n x latent) or places (`float32`, n x 2); see `about.part`.
        network: the bare module, where the format holds one.
    """

    path: Path
    about: About
    answer: Forward
    network: nn.Module | None = None

    def in_batches(self, examples: np.ndarray) -> np.ndarray:
        """The outputs of any number of examples, computed in batches to bound memory."""
        starts = range(0, len(examples), CHUNK)
        return np.concatenate([self.answer(examples[i : i + CHUNK]) for i in starts])

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        """Each picture with its prediction.

        Raises:
            DataError: the only image asked about cannot be read; of several each says so itself.
            UsageError: the network makes no predictions for images, or cannot promise the coverage.
        """
        if self.about.part != "answer":
            raise UsageError(f"{self.path} makes no predictions for images.")
        self.card.expect_pictures()
        task, target = self.about.task_kind(), self.about.target
        if coverage is not None:
            task = covering(task, coverage)

        def tell(name: str, answer: np.ndarray | None, error: str) -> Prediction:
            tensor = None if answer is None else torch.from_numpy(answer)
            return task.prediction(name, tensor, target, error)

        return answer_all(images, self.about.frame, self.in_batches, tell)

    @property
    def card(self) -> DataCard:
        """The data card, by which pictures are brought to the network's size."""
        about = self.about
        return DataCard(
            about.data, about.target, about.channels, about.size, about.mean, about.std,
            fingerprint="", licence=about.licence, counts={}, fit=about.fit, levels=about.levels,
        )  # fmt: skip


def of_module(
    path: Path, about: About, module: Callable[..., Any], network: Any = None
) -> ExportedModel:
    """Wrap a PyTorch module as `ExportedModel`."""

    def answer(examples: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), exact():
            outputs: np.ndarray = module(torch.from_numpy(np.ascontiguousarray(examples))).numpy()
        return outputs

    return ExportedModel(path, about, answer, network)
