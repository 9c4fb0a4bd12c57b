"""The decision regions of a network with two inputs, over its examples."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cutaway.data.target import Classes
from cutaway.figures import Axis, Figure, Plane
from cutaway.see.boundary import decision_regions
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View

GRID, POINTS = 96, 400
"""Places a side, and examples that are drawn at most."""
BEYOND = 0.15
"""How far the plane reaches past the examples, as a share of their extent."""


class Regions(View):
    name = "regions"
    title = "Decision regions"
    caption = (
        "The colour of a place is the class that it is answered as, stronger where the network is "
        "surer; dots are examples."
    )

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        classes = isinstance(scene.images.target, Classes)
        return classes and scene.task.classifies and scene.batch.x[0].numel() == 2

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        x, t = _examples(scene)
        low, high = x.amin(0), x.amax(0)
        edge = BEYOND * (high - low).clamp(min=1e-6)
        low, high = low - edge, high + edge
        shape = scene.batch.x.shape[1:]
        found = decision_regions(_Flat(scene.model, shape), low.tolist(), high.tolist(), GRID)
        sure = (found.margin / found.margin.quantile(0.95).clamp(min=1e-9)).clamp(0, 1)
        return [Plane(
            "Decision regions", Axis("first input"), Axis("second input"), tuple(low.tolist()),
            tuple(high.tolist()), GRID, found.classes.to(torch.uint8).numpy().tobytes(),
            (sure * 255).to(torch.uint8).numpy().tobytes(), scene.images.target.names,
            tuple((a, b, int(k)) for (a, b), k in zip(x.tolist(), t.tolist(), strict=True)),
        )]  # fmt: skip


class _Flat(torch.nn.Module):
    """The network with its two inputs in a row."""

    def __init__(self, model: torch.nn.Module, shape: torch.Size):
        super().__init__()
        self.model, self.shape = model, shape

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x.view(-1, *self.shape))


def _examples(scene: Scene) -> tuple[Tensor, Tensor]:
    index = scene.run.split.train[:POINTS]
    batch = scene.run.feed(scene.images, index).of(index)
    return batch.x.flatten(1).cpu(), batch.t.cpu()
