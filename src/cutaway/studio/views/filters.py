"""The weights of a layer as pictures."""

from collections.abc import Mapping, Sequence

from torch import nn

from cutaway.errors import UsageError
from cutaway.figures import Figure
from cutaway.figures.build import images
from cutaway.see.filters import filters
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, Option, View

UNITS, PARTS = 64, 8
"""Units, and inputs of each, that are shown."""


class Filters(View):
    name = "filters"
    title = "Weights"
    caption = (
        "Grey is 0, black and white are the largest weights of a unit. Choose a unit to switch "
        "it off or to edit its weights."
    )
    units = "layer"

    def __init__(self) -> None:
        self._names: list[str] = []

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return bool(_layers(scene))

    def options(self, scene: Scene) -> dict[str, Option]:
        names = self._layers(scene)
        return {"layer": Option("Layer", [(name, name) for name in names], names[0])}

    def owners(self, scene: Scene) -> Mapping[str, str]:
        return {name: name for name in self._layers(scene)}

    def _layers(self, scene: Scene) -> list[str]:
        self._names = self._names or _layers(scene)
        return self._names

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        module = scene.model.get_submodule(chosen["layer"])
        found = filters(module, _shape(scene, module), most=UNITS)[:, :PARTS]
        units, parts, channels, height, width = found.shape
        apart = found.new_zeros(units, channels, height, parts * (width + 1) - 1)
        for k in range(parts):
            apart[..., k * (width + 1) : k * (width + 1) + width] = found[:, k]
        names = [str(unit) for unit in range(units)]
        columns = max(1, min(16, 48 // (parts * max(1, width // 4))))
        title = f"Weights of {chosen['layer']}"
        return [images(title, apart.permute(0, 2, 3, 1), names, columns)]


def _layers(scene: Scene) -> list[str]:
    """Layers whose weights are pictures."""
    return [name for name, module in scene.model.named_modules() if _drawn(scene, module)]


def _drawn(scene: Scene, module: nn.Module) -> bool:
    if not isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
        return False
    if isinstance(module, nn.modules.conv._ConvNd) and max(module.kernel_size) == 1:
        return False
    try:
        filters(module, _shape(scene, module), most=1)
    except UsageError:
        return False
    return True


def _shape(scene: Scene, module: nn.Module) -> tuple[int, ...]:
    """Of the images, where the layer sees them."""
    shape = tuple(scene.batch.x.shape[1:])
    return shape if isinstance(module, nn.Linear) and len(shape) == 3 else ()
