"""What wants to know how a training goes."""

from typing import TYPE_CHECKING

from cutaway.learn.history import Row

if TYPE_CHECKING:
    from cutaway.learn.training import Training


class Listener:
    """Told of what happens in a training; each method may be overridden."""

    def begin(self, training: "Training") -> None:
        """It is about to begin or to go on, or another of its stages is."""

    def ready(self, training: "Training") -> None:
        """The network is as the next step finds it."""

    def step(self, training: "Training") -> None:
        """A step has been taken."""

    def epoch(self, training: "Training", row: Row) -> None:
        """An epoch has been judged and written down."""

    def saving(self, training: "Training") -> None:
        """A checkpoint is about to be written."""

    def note(self, text: str) -> None:
        """Something that the user may want to know."""

    def close(self) -> None:
        """It has ended, well or not."""
