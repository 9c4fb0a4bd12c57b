"""Which class is taken for which, on the validation images."""

from collections.abc import Sequence

from cutaway.data.target import Classes
from cutaway.figures import Figure, Matrix
from cutaway.learn.classification import Classification
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View

MOST = 30
"""Classes up to which there is a matrix."""


class Confusion(View):
    name = "confusion"
    title = "Confusion matrix"
    caption = "Validation images after each epoch: rows are true classes."
    every = 0.5
    by_epoch = True

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        target = scene.images.target
        few = isinstance(target, Classes) and 1 < len(target.names) <= MOST
        return scene.task.classifies and few and len(scene.run.split.val) > 0

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        found = classified(scene)
        if found is None:
            return []
        counts = tuple(tuple(row) for row in found.confusion.tolist())
        return [Matrix("Confusion matrix", found.classes, found.classes, counts)]


def classified(scene: Scene) -> Classification | None:
    """The classes that the validation images were answered as; None before the first evaluation.

    Of a task that does more than classify they are among what its evaluation keeps.
    """
    evaluation = scene.evaluated()
    if evaluation is None or isinstance(evaluation, Classification):
        return evaluation
    kept = evaluation.tensors()
    parts = (kept["index"], kept["targets"], kept["probabilities"])
    return Classification(scene.images.target.names, *parts)
