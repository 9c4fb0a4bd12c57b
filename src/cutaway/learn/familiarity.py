"""Keep what a run needs to tell images that are unlike those it learned from (`learn.unlike`)."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.elsewhere import in_few_shards
from cutaway.data.imageset import ImageSet
from cutaway.learn.conformal import Covering
from cutaway.learn.frozen_features import in_tail
from cutaway.learn.notes import add_note
from cutaway.learn.penultimate import inputs_of, last_layer
from cutaway.learn.task import at_rest
from cutaway.learn.unlike import FLAGGED, NEEDED, Familiar, room
from cutaway.randomness import generator

if TYPE_CHECKING:
    from cutaway.learn.run import Run
    from cutaway.learn.training import Training

ASKED, NUMBERS = 2000, 2**24
"""Validation images that set the limit, and test images that it is tried on, at most; and numbers
of their features, as long as there are `FEW` of them."""
FEW = 200


def keep_familiar(training: "Training") -> None:
    """Fit the score of a run that has ended, measure it on the test images, and keep it.

    Does nothing where its network tells nothing of examples or has no layer to take features from;
    where it has too few validation images, a note says so.
    """
    run, images = training.run, training.images
    if not run.task.serves or images.whole:
        return
    if len(run.split.val) < NEEDED:
        add_note(run, "unlike", _too_few(run, images.noun))
        return
    network = run.task.answering(run.model if training.runtime.sharded else training.model)
    with run.runtime.session(), at_rest(network, run.runtime):
        layer, width = _layer(network, next(run.feed(images, run.split.train).first(2)).x)
        if not width:
            return
        most = min(ASKED, max(FEW, NUMBERS // width))
        known, validation, test = (
            _features(training, network, _some(run, images, part, count), layer)
            for part, count in (("train", room(width)), ("val", most), ("test", most))
        )
    familiar = Familiar.fitted(known, validation, layer)
    if familiar:
        flagged = float((familiar.unlikeness(test) > 1).mean()) if len(test) else None
        familiar.save(run.path, {"test_images": len(test), "flagged": flagged})


def _too_few(run: "Run", noun: str) -> str:
    """What predictions do not tell, for lack of validation images."""
    also = f", and --coverage {1 - FLAGGED} is refused" if isinstance(run.task, Covering) else ""
    return (
        f"Predictions do not mark {noun}s that are unlike all that it learned from{also}: that "
        f"takes {NEEDED} validation {noun}s, and there were {len(run.split.val) or 'none'}. Train "
        "with a larger --val."
    )


def _layer(network: nn.Module, x: Tensor) -> tuple[str, int]:
    """The layer that features are taken before, and their number; 0 where there is none."""
    layer = last_layer(network, x)
    if layer is None:
        return "", 0
    with inputs_of(network, layer) as found:
        network(x)
    return layer, found[-1].shape[1] if found and len(found[-1]) == len(x) else 0


def _some(run: "Run", images: ImageSet, part: str, most: int) -> Int[Tensor, " n"]:
    """Images of a part, drawn where there are more."""
    index = in_few_shards(images.images, getattr(run.split, part), most)
    order = torch.randperm(len(index), generator=generator(run.recipe.seed, "familiar", 0))
    return index[order[:most]]


def _features(
    training: "Training", network: nn.Module, index: Int[Tensor, " n"], layer: str
) -> Float[np.ndarray, "n d"]:
    """What goes into the layer; where the last stage has computed what the last modules take of
    these images, these alone are called."""
    run, found = training.run, []
    feed = training.stage.features(index)
    if feed:
        network, layer = feed.backbone.tail, in_tail(layer)
    for batch in (feed or run.feed(training.images, index)).in_order() if len(index) else ():
        with inputs_of(network, layer) as inputs:
            network(batch.x)
        found.append(inputs[-1].cpu().numpy())
    return np.concatenate(found) if found else np.zeros((0, 1))
