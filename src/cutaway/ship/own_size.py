"""A network that is exported for images of its own size alone."""

from dataclasses import dataclass
from functools import cached_property

from torch import nn

from cutaway.learn.penultimate import WithFeatures
from cutaway.learn.run import Run
from cutaway.learn.unlike import Familiar
from cutaway.ship.about import About
from cutaway.ship.portable import portable
from cutaway.ship.shipment import Shipment


@dataclass(frozen=True)
class OwnSize(Shipment):
    """A shipment without resizing, for who brings pictures to the network's size beforehand.

    Args:
        familiar: where it is to be told which pictures are unlike those that the network learned
            from, the features for it are a second output.
    """

    familiar: Familiar | None = None

    @classmethod
    def of(cls, run: Run, *unused: object, **options: object) -> "OwnSize":
        return cls(run, About.of(run, "answer", resizes=False))

    @cached_property
    def module(self) -> nn.Module:
        whole = portable(self.network, self.about)
        if self.familiar is None:
            return whole
        return WithFeatures(whole, whole.get_submodule("network"), self.familiar.layer)

    @property
    def any_size(self) -> bool:
        return False
