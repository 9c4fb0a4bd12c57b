"""What the units of a layer answer to one image."""

from collections.abc import Mapping, Sequence

import torch

from cutaway.figures import Figure
from cutaway.figures.build import images
from cutaway.learn.interventions import holdable
from cutaway.see.filters import feature_maps
from cutaway.see.layers import layers
from cutaway.see.probe import answers
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, Option, View
from cutaway.studio.views.chosen_image import image_option

UNITS = 64


class Maps(View):
    name = "maps"
    title = "Feature maps"
    caption = (
        "What each unit of a layer answers to the image, black where it answers least, white "
        "where most. Choose a unit to switch it off."
    )
    units = "layer"

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return scene.task.takes == "images" and bool(_mapped(scene))

    def options(self, scene: Scene) -> dict[str, Option]:
        names = list(self._units(scene))
        layer = Option("Layer", [(name, name) for name in names], names[0])
        return {"layer": layer, "image": image_option(scene)}

    def owners(self, scene: Scene) -> Mapping[str, str]:
        """A rectifier, or pooling, has the units of the last layer with weights before it."""
        found, last, count = {}, "", 0
        for name, units in self._units(scene).items():
            if holdable(scene.model, name):
                last, count = name, units
            if units == count:
                found[name] = last
        return found

    def _units(self, scene: Scene) -> Mapping[str, int]:
        self._counts = self._counts or _mapped(scene)
        return self._counts

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        x = scene.example(chosen["image"])[0]
        found = feature_maps(scene.model, x, chosen["layer"], most=UNITS)
        y = found.maps.float()
        low, high = y.min(), y.max()
        y = (y - low) / (high - low).clamp(min=1e-12)
        names = [str(unit) for unit in found.units.tolist()]
        title = f"Answers of {chosen['layer']}, from {low:.3g} to {high:.3g}"
        return [images(title, y, names, 8)]


def _mapped(scene: Scene) -> dict[str, int]:
    """Layers that answer an image with units, in the order of the calls, and how many these are."""
    found = answers(scene.model, scene.batch.x[:1])
    known = layers(scene.model)
    return {
        name: y.shape[1] for name, y in found.items() if name in known
        and torch.is_floating_point(y) and y.ndim > 1 and len(y) == 1 and y.shape[1] > 1
    }  # fmt: skip
