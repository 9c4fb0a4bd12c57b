"""Keep what a run needs to tell images that are unlike those it learned from (`learn.unlike`)."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.penultimate import inputs_of, last_layer
from cutaway.learn.task import at_rest
from cutaway.learn.unlike import KNOWN, Familiar, room
from cutaway.randomness import generator

if TYPE_CHECKING:
    from cutaway.learn.run import Run

ASKED = 2000
"""Validation images that set the limit, and test images that it is tried on, at most."""


def keep_familiar(run: "Run", images: ImageSet) -> None:
    """Fit the score of a run that has ended, measure it on the test images, and keep it.

    Does nothing where its network tells nothing of examples, has no layer to take features from,
    or has too few validation images.
    """
    if not run.task.serves or not len(run.split.val) or images.whole:
        return
    network = run.task.answering(run.model)
    parts = [_some(run, part, most) for part, most in (("train", KNOWN), ("val", ASKED))]
    with run.runtime.session(), at_rest(network, run.runtime):
        batch = next(run.feed(images, parts[0]).first(2))
        layer = last_layer(network, batch.x)
        if layer is None:
            return
        known, validation, test = (
            _features(run, images, part, layer) for part in (*parts, _some(run, "test", ASKED))
        )
    familiar = Familiar.fitted(known[: room(known.shape[1])], validation, layer)
    if familiar:
        flagged = float((familiar.unlikeness(test) > 1).mean()) if len(test) else None
        familiar.save(run.path, {"test_images": len(test), "flagged": flagged})


def _some(run: "Run", part: str, most: int) -> Int[Tensor, " n"]:
    """Images of a part, drawn where there are more."""
    index: Tensor = getattr(run.split, part)
    order = torch.randperm(len(index), generator=generator(run.recipe.seed, "familiar", 0))
    return index[order[:most]]


def _features(
    run: "Run", images: ImageSet, index: Int[Tensor, " n"], layer: str
) -> Float[np.ndarray, "n d"]:
    network, found = run.task.answering(run.model), []
    for batch in run.feed(images, index).in_order() if len(index) else ():
        with inputs_of(network, layer) as inputs:
            network(batch.x)
        found.append(inputs[-1].cpu().numpy())
    return np.concatenate(found) if found else np.zeros((0, 1))
