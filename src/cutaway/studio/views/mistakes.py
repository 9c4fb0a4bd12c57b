"""The validation images that are answered worst."""

from collections.abc import Sequence

import torch

from cutaway.figures import Figure
from cutaway.figures.build import images
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View
from cutaway.studio.views.confusion import Confusion, classified

MOST = 12


class Mistakes(View):
    name = "mistakes"
    title = "Worst mistakes"
    caption = "Wrong answers to validation images after each epoch, surest first."
    every = 0.5
    by_epoch = True

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return Confusion.fits(scene) and scene.images.images.ndim == 4

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        found = classified(scene)
        if found is None:
            return []
        sure, said = found.probabilities.max(1)
        wrong = torch.where(said != found.targets, sure, -1.0)
        worst = wrong.argsort(descending=True)[:MOST]
        worst = worst[wrong[worst] >= 0]
        if not len(worst):
            return []
        names = [
            f"says {found.classes[s]}, is {found.classes[t]}"
            for t, s in zip(found.targets[worst].tolist(), said[worst].tolist(), strict=True)
        ]
        pixels = scene.images.images.index_select(0, found.index[worst])
        return [images("Worst mistakes", pixels, names, 6)]
