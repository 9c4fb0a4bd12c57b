"""Predict single pictures with a trained network."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.errors import DataError, UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.inputs import Input, collect_inputs, is_many
from cutaway.learn.prediction import Prediction
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Task, at_rest
from cutaway.randomness import generator

BATCH = 256
Outputs = Callable[[UInt8[Tensor, "n h w c"]], Tensor]


def predict(
    model: nn.Module, task: Task, card: DataCard, runtime: Runtime, images: Any,
    out: Path | None = None,
) -> list[Prediction]:  # fmt: skip
    """Predict each picture with a network.

    Args:
        images: what `collect_inputs` takes.
        out: a folder for masks, which are then written and not kept in memory.

    Raises:
        DataError: the only picture asked about cannot be read; of several each says so itself.
        RunError: a mask cannot be written.
        UsageError: the network tells nothing of images.
    """
    task.prediction("", None, card.target)  # refuses what tells nothing, before a file is read
    network = task.answering(model)

    def answers(pixels: UInt8[Tensor, "n h w c"]) -> Tensor:
        x = card.normalise(to_float(pixels.to(runtime.device)))
        with at_rest(network, runtime):
            return task.answer(network(x), card.target).cpu()

    results = predictions(answers, task, card, images)
    return [*(with_masks_written(results, out) if out else results)]


def predictions(answers: Outputs, task: Task, card: DataCard, images: Any) -> Iterator[Prediction]:
    """Predict each picture from answers, a batch at a time.

    Args:
        answers: from pixels of the network's size to its answers.

    Raises:
        DataError: the only picture asked about cannot be read; of several each says so itself.
    """
    strict = not is_many(images)
    inputs = collect_inputs(images, card.levels)
    for start in range(0, len(inputs), BATCH):
        batch = inputs[start : start + BATCH]
        readings = [read(one, card, strict) for one in batch]
        sound = [pixels for pixels in readings if isinstance(pixels, Tensor)]
        outputs = iter(answers(torch.stack(sound)) if sound else ())
        for one, reading in zip(batch, readings, strict=True):
            if isinstance(reading, str):
                yield task.prediction(one.name, None, card.target, reading)
            else:
                yield task.prediction(one.name, next(outputs), card.target)


def read(one: Input, card: DataCard, strict: bool) -> UInt8[Tensor, "h w c"] | str:
    """The pixels of a picture as the network takes it, or why it cannot be read.

    Raises:
        DataError: the same, where `strict` asks for it.
    """
    try:
        return one.pixels(card)
    except DataError as error:
        if strict:
            raise
        return str(error)


def with_masks_written(predictions: Iterable[Prediction], folder: Path) -> Iterator[Prediction]:
    """Predictions with their masks in a folder, `NAME-mask.png`; images of one name are numbered.

    Raises:
        RunError: they cannot be written.
    """
    seen = Counter[str]()
    for one in predictions:
        stem = Path(one.name).stem
        seen[stem] += not one.error
        yield one.with_mask_written(folder, f"{stem}-{seen[stem]}" if seen[stem] > 1 else stem)


def draw(
    model: Any, card: DataCard, runtime: Runtime, count: int, seed: int
) -> UInt8[Tensor, "n *grid c"]:
    """Images from codes z of N(0, 1), which the seed decides.

    Raises:
        UsageError: the network draws none.
    """
    if not hasattr(model, "generate"):
        raise UsageError("This network generates no images: `cutaway models` shows which ones do.")
    z = torch.randn(count, model.latent, generator=generator(seed, "generate"))
    with at_rest(model, runtime):
        parts = [model.generate(part.to(runtime.device)) for part in z.split(BATCH)]
    return in_bytes(card.normalise.undo(torch.cat(parts).float()))
