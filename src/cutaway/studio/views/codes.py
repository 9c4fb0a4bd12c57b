"""A map of the codes that a network gives to images."""

from collections.abc import Sequence
from typing import Any

import torch

from cutaway.figures import Figure
from cutaway.learn.task import at_rest
from cutaway.show.codes import code_map
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View

MAPPED = 600


class Codes(View):
    name = "codes"
    title = "Map of codes"
    caption = "Each dot is the code of an image, coloured by its class."
    every = 0.5

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return _encoder(scene) is not None and bool(scene.images.target.classes)

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        codes, targets, encode = [], [], _encoder(scene)
        assert encode is not None
        with at_rest(scene.model, scene.runtime):
            for batch in scene.feed.first(MAPPED):
                found = encode(batch.x)
                found = found[0] if isinstance(found, tuple) else found
                codes.append(found.flatten(1).float().cpu())
                targets.append(batch.t.cpu())
        joined = torch.cat(codes)
        figure = code_map(joined, torch.cat(targets).long(), scene.images.target.classes)
        return [] if figure is None else [figure]


def _encoder(scene: Scene) -> Any:
    """What gives codes of images; None where nothing does."""
    return getattr(scene.model, "encode", None) or getattr(scene.model, "encoder", None)
