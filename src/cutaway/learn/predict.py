"""Ask a trained network about images, or let it draw some."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.errors import UsageError
from cutaway.learn.answers import Answered, answer_all
from cutaway.learn.card import DataCard
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.penultimate import inputs_of
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Task, at_rest
from cutaway.learn.unlike import Familiar
from cutaway.randomness import generator

BATCH = 256


def answered(
    model: nn.Module,
    task: Task,
    card: DataCard,
    runtime: Runtime,
    images: Any,
    familiar: Familiar | None = None,
) -> Iterator[Answered]:
    """Each picture with a network's prediction.

    Args:
        images: what `read_inputs` takes.
        familiar: tells which pictures are unlike those that the network learned from.

    Raises:
        DataError: the only picture asked about cannot be read; of several each says so itself.
        UsageError: the network tells nothing of images.
    """
    task.prediction("", None, card.target)  # refuses what tells nothing, before a file is read
    card.expect_pictures()
    network = task.answering(model)

    def answers(pixels: UInt8[np.ndarray, "n h w c"]) -> Iterable[tuple[Tensor, float | None]]:
        x = card.normalise(to_float(torch.from_numpy(pixels).to(runtime.device)))
        with runtime.session(), at_rest(network, runtime):
            if familiar is None:
                return zip(task.answer(network(x), card.target).cpu(), repeat(None))
            with inputs_of(network, familiar.layer) as features:
                found = task.answer(network(x), card.target).cpu()
            return zip(found, familiar.unlikeness(features[-1].cpu().numpy()), strict=True)

    def tell(name: str, answer: tuple[Tensor, float | None] | None, error: str) -> Any:
        found, unlike = answer or (None, None)
        told = task.prediction(name, found, card.target, error)
        return told if unlike is None else replace(told, unlike=float(unlike))

    return answer_all(images, card.frame, answers, tell)


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
