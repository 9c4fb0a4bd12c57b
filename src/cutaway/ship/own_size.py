"""A network that is exported for images of its own size alone."""

from dataclasses import dataclass

from cutaway.learn.run import Run
from cutaway.ship.about import About
from cutaway.ship.shipment import Shipment


@dataclass(frozen=True)
class OwnSize(Shipment):
    """A shipment without resizing, for who brings pictures to the network's size beforehand."""

    @classmethod
    def of(cls, run: Run, *unused: object, **options: object) -> "OwnSize":
        return cls(run, About.of(run, "answer", resizes=False))

    @property
    def any_size(self) -> bool:
        return False
