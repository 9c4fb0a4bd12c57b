"""What a trained network says of single pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.errors import UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.machine import Machine
from cutaway.learn.tasks import Task, at_rest
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.segment import Segment

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
        UsageError: the network does not classify.
    """
    if not isinstance(task, Classify):
        raise UsageError(
            "This network does not tell classes: `cutaway generate` draws with it, or "
            "`cutaway evaluate` measures it."
        )
    answers = _answers(model, task.probabilities, card, machine, sources)
    return [_prediction(name, p, card.classes) for name, p in answers]


def masks(
    model: nn.Module, task: Segment, card: DataCard, machine: Machine, sources: Sequence[Any]
) -> Iterator[tuple[str, UInt8[Tensor, "h w"]]]:
    """The name and the mask of each picture: the most probable class of each pixel."""
    for name, p in _answers(model, task.probabilities, card, machine, sources):
        yield name, p.argmax(0).byte()


def _answers(
    model: nn.Module,
    probabilities: Callable[[Tensor], Tensor],
    card: DataCard,
    machine: Machine,
    sources: Sequence[Any],
) -> Iterator[tuple[str, Tensor]]:
    """The name of each picture, and what the network answers."""
    for start in range(0, len(sources), BATCH):
        chunk = sources[start : start + BATCH]
        pixels = torch.stack([card.pixels(source) for source in chunk])
        x = card.normalise(to_float(pixels.to(machine.device)))
        with at_rest(model, machine):
            found = probabilities(model(x)).cpu()
        for i, (source, p) in enumerate(zip(chunk, found, strict=True), start):
            yield str(source) if isinstance(source, str | Path) else f"image {i}", p


def _prediction(name: str, probabilities: Tensor, classes: tuple[str, ...]) -> Prediction:
    best = probabilities.topk(min(5, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(name, tuple((classes[i], p) for i, p in pairs))
