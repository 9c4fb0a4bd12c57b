"""Two runs beside each other: each view of one with the same view of the other."""

from collections.abc import Iterator, Mapping, Sequence

from cutaway.figures import Figure
from cutaway.studio.scene import Scene
from cutaway.studio.views import Chosen, Option, View
from cutaway.studio.views.fan import Fan


class Beside(View):
    """A view of another scene than the one that is looked at, called by the name of its run."""

    def __init__(self, view: View, scene: Scene, called: str, mark: str):
        self._view, self._scene = view, scene
        self.name, self.title = f"{view.name}-{mark}", f"{view.title}: {called}"
        self.caption, self.every, self.units = view.caption, view.every, view.units
        self.by_epoch, self.needs_weights = view.by_epoch, view.needs_weights

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return False

    def options(self, scene: Scene) -> dict[str, Option]:
        return self._view.options(self._scene)

    def owners(self, scene: Scene) -> Mapping[str, str]:
        return self._view.owners(self._scene)

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        return self._view.draw(self._scene, chosen)


def side_by_side(
    views: Sequence[Mapping[str, View]], scenes: Sequence[Scene], names: Sequence[str]
) -> dict[str, View]:
    """The views of two scenes in turn; what is of both stands first, and once."""

    def found() -> Iterator[View]:
        first, second = views
        for name in dict.fromkeys([*first, *second]):
            if name == Fan.name:
                yield first[name]
                continue
            for k, own in enumerate(views):
                if name in own:
                    yield Beside(own[name], scenes[k], names[k], "ab"[k])

    return {view.name: view for view in found()}
