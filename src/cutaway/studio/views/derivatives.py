"""A network that is a picture, with its own derivatives."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from cutaway.figures import Figure
from cutaway.figures.build import images
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.task import at_rest
from cutaway.learn.tasks.implicit import Implicit, as_picture, everywhere, picture_of
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View

SIDE = 64
"""Places along the longer side: a function has no pixels of its own, and all of the picture's would
take longer than a look may."""


class Derivatives(View):
    name = "derivatives"
    title = "Its derivatives"
    caption = (
        "What the network is at every place, how steep it is there, and how much it curves: "
        "computed from the network itself, which was shown none of them but what it fits."
    )
    every = 0.5

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return isinstance(scene.task, Implicit)

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        x = picture_of(scene.batch)
        scale = min(1.0, SIDE / max(x.shape[2:]))
        x = F.interpolate(x, scale_factor=scale, mode="area")
        with at_rest(scene.model, scene.runtime), torch.inference_mode(False), torch.enable_grad():
            picture, grad, laplace = everywhere(scene.model, x.clone())
        shown = [
            picture, as_picture(grad, x.shape, grad, False),
            as_picture(laplace, x.shape, laplace, True),
        ]  # fmt: skip
        names = ("picture", "gradient", "Laplacian")
        return [
            images(name, in_bytes((one.detach() + 1) / 2), columns=1)
            for name, one in zip(names, shown, strict=True)
        ]
