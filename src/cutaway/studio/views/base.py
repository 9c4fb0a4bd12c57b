"""A view: some figures of a scene."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cutaway.figures import Figure
from cutaway.studio.scene import Scene

Chosen = Mapping[str, Any]
"""The value of each option."""


@dataclass(frozen=True)
class Option:
    """What somebody can choose of a view.

    Attributes:
        choices: values with what they are called.
    """

    label: str
    choices: Sequence[tuple[Any, str]]
    value: Any


class View:
    """Some figures of a scene.

    Attributes:
        every: seconds from one drawing to the next, at least.
        by_epoch: whether it changes with each evaluation alone.
        units: the option that names the layer whose units its pictures are.
        needs_weights: whether it shows a network, and not what is written about it.
    """

    name: str
    title: str
    caption: str = ""
    every: float = 0.1
    by_epoch: bool = False
    units: str = ""
    needs_weights: bool = True

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        """Whether a scene has what it shows."""
        raise NotImplementedError

    def options(self, scene: Scene) -> dict[str, Option]:
        """What can be chosen."""
        return {}

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        """Its figures; none where there is nothing to see yet.

        Args:
            chosen: a value for each of its options.
        """
        raise NotImplementedError

    def described(self, scene: Scene) -> dict[str, Any]:
        """What a page needs to know of it."""
        return self.told(self.owners(scene), self.options(scene))

    def told(self, owners: Mapping[str, str], options: Mapping[str, Option]) -> dict[str, Any]:
        """The same, with what follows from a scene."""
        return {
            "name": self.name, "title": self.title, "caption": self.caption, "units": self.units,
            "owners": dict(owners),
            "options": {name: asdict(one) for name, one in options.items()},
        }  # fmt: skip

    def owners(self, scene: Scene) -> Mapping[str, str]:
        """Of layers without weights the layer whose units theirs are; of others themselves."""
        return {}

    def chosen(self, scene: Scene, asked: Chosen) -> Chosen:
        """The value of each option: what was asked for, where that is one of its choices."""
        found = {}
        for name, option in self.options(scene).items():
            values = [value for value, _ in option.choices]
            found[name] = asked.get(name) if asked.get(name) in values else option.value
        return found
