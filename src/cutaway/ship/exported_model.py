"""An exported file, opened: its description and its outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.arithmetic import exact
from cutaway.errors import UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.predict import predictions
from cutaway.learn.prediction import Prediction
from cutaway.ship.about import About

Forward = Callable[[np.ndarray], np.ndarray]
CHUNK = 256


@dataclass(frozen=True)
class ExportedModel:
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

    def predict(self, images: Any) -> list[Prediction]:
        """Predict for each image.

        Args:
            images: what a run's `predict` takes.

        Raises:
            DataError: the only image asked about cannot be read; of several each says so itself.
            UsageError: the network makes no predictions for images.
        """
        if self.about.part != "answer":
            raise UsageError(f"{self.path} makes no predictions for images.")
        return [*predictions(self._outputs, self.about.task_kind(), self.card, images)]

    def _outputs(self, pixels: UInt8[Tensor, "n h w c"]) -> Tensor:
        return torch.from_numpy(self.in_batches(pixels.numpy()))

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
