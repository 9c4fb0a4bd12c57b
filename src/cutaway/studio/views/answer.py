"""What the network answers to one image: a chosen one, or somebody's own."""

from collections.abc import Sequence

import torch

from cutaway.figures import Axis, Bars, Figure
from cutaway.figures.build import images
from cutaway.figures.data import Part
from cutaway.learn.task import at_rest
from cutaway.see.probe import answer
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, Option, View
from cutaway.studio.views.chosen_image import image_option

MOST = 10
"""Classes that are shown: the most probable ones."""


class Answer(View):
    name = "answer"
    title = "What it answers"
    caption = "Draw or drop an image of your own, and see the answer change."

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return scene.task.classifies and scene.images.images.ndim == 4

    def options(self, scene: Scene) -> dict[str, Option]:
        return {"image": image_option(scene)}

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        image = chosen["image"]
        with at_rest(scene.model, scene.runtime):
            output = answer(scene.task.answering(scene.model), scene.example(image))
            p = scene.task.answer(output, scene.target)[0].cpu()
        p = torch.stack([1 - p[0], p[0]]) if len(p) == 1 else p
        shown = sorted(p.topk(min(MOST, len(p))).indices.tolist())
        names = tuple(scene.target.names[k] for k in shown)
        values = tuple(p[shown].tolist())
        said = scene.target.names[int(p.argmax())]
        truth = "" if image < 0 else scene.names[image].partition(": ")[2]
        caption = f"Most probable: {said}." + (f" It is {truth}." if truth else "")
        axis = Axis("probability (%)", share=True, low=0, high=1)
        bars = Bars("Answer", axis, names, (Part("now", values),), caption)
        return [images("The image", scene.pixels(image)[None], columns=1), bars]
