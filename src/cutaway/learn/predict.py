"""What a trained network says of single pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.learn.card import DataCard
from cutaway.learn.evaluate import answering
from cutaway.learn.machine import Machine
from cutaway.learn.tasks import Task

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one image, best first."""

    name: str
    top: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        return self.top[0][0]


def predict(
    model: nn.Module, task: Task, card: DataCard, machine: Machine, sources: Sequence[Any]
) -> list[Prediction]:
    """The five most probable classes of each picture.

    Args:
        sources: paths or encoded bytes.

    Raises:
        DataError: a file that is not there or not an image.
    """
    answer, found = answering(model, task, machine), []
    for start in range(0, len(sources), BATCH):
        chunk = sources[start : start + BATCH]
        pixels = torch.stack([card.pixels(source) for source in chunk])
        x = card.normalise(to_float(pixels.to(machine.device)))
        for i, (source, p) in enumerate(zip(chunk, answer(x).cpu(), strict=True), start):
            name = str(source) if isinstance(source, str | Path) else f"image {i}"
            found.append(_prediction(name, p, card.classes))
    return found


def _prediction(name: str, probabilities: Tensor, classes: tuple[str, ...]) -> Prediction:
    best = probabilities.topk(min(5, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(name, tuple((classes[i], p) for i, p in pairs))
