"""What the network makes: samples, reconstructions, masks, the picture that it learns."""

from collections.abc import Sequence

from cutaway.figures import Figure
from cutaway.figures.build import images
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.task import Task
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View

COLUMNS = 8


class Pictures(View):
    name = "pictures"
    title = "What it makes"
    caption = "From the same draws each time, so that each picture can be followed."
    every = 0.3

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return type(scene.task).picture is not Task.picture and scene.images.images.ndim == 4

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        made = scene.task.picture(scene.model, scene.batch, scene.runtime)
        if made is None or made.ndim != 4:
            return []
        pixels = in_bytes(made)
        columns = COLUMNS if len(pixels) > 1 else 1
        return [images("What it makes", pixels, columns=columns)]
