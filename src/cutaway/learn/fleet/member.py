"""The members of a fleet, each trained as it would be alone."""

from functools import cached_property

from cutaway.data.audit import Audit, audit
from cutaway.data.imageset import ImageSet
from cutaway.learn import fit as learning
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.run import Run
from cutaway.learn.training import Listener


class Trainer:
    """Trains members of a fleet, one after the other; the images are audited once for all."""

    def __init__(self, fleet: Fleet, images: ImageSet, listener: Listener | None, every: float):
        self.fleet, self.images, self.listener, self.every = fleet, images, listener, every

    @cached_property
    def findings(self) -> Audit:
        return audit(self.images)

    def train(self, k: int) -> Run:
        """Begin member k, or go on with it; what has ended is left alone."""
        place = self.fleet.place(k)
        if self.fleet.begun(k):
            return learning.resume(
                place, images=self.images, listener=self.listener, checkpoint_every=self.every
            )
        place.parent.mkdir(exist_ok=True)
        return learning.fit(
            self.fleet.recipes()[k], self.images, out=place, listener=self.listener,
            checkpoint_every=self.every, findings=self.findings,
        )  # fmt: skip
