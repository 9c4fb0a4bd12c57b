"""The curves of runs that are looked at together."""

from collections.abc import Sequence

from cutaway.figures import Figure
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, View


class Fan(View):
    name = "fan"
    title = "Together"
    caption = "After each epoch."
    every = 1.0
    needs_weights = False

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return scene.company is not None

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        assert scene.company is not None
        return scene.company.figures()
