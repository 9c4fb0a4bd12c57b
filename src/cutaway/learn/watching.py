"""The recipe's `watch` at work: a scope around a run's training, kept in its directory."""

from typing import TYPE_CHECKING

from torch import nn

from cutaway.learn.checkpoint import load_tensors, save_tensors
from cutaway.learn.history import Row
from cutaway.learn.listener import Listener
from cutaway.see.watch import Scope
from cutaway.see.watched import Watched

if TYPE_CHECKING:
    from cutaway.learn.run import Run
    from cutaway.learn.training import Training

FILE = "watch.safetensors"


class Watching(Listener):
    """Looks into a run's network each so many steps, and passes on what it is told.

    Args:
        then: who else listens.
    """

    def __init__(self, run: "Run", model: nn.Module, then: Listener):
        self.path, self.then = run.path / FILE, then
        self.scope = Scope(model, run.recipe.watch, inside=not run.machine.compile)

    def begin(self, training: "Training") -> None:
        if note := self.scope.note:
            self.then.note(note)
        self.then.begin(training)

    def ready(self, training: "Training") -> None:
        if training.step and not self.scope.step and self.path.exists():
            self.scope.remember(Watched.of(*load_tensors(self.path)), training.step)
        self.scope.begin(training.step + 1)
        self.then.ready(training)

    def step(self, training: "Training") -> None:
        self.scope.end()
        self.then.step(training)
        self.scope.begin(training.step + 1)

    def epoch(self, training: "Training", row: Row) -> None:
        self.then.epoch(training, row)

    def saving(self, training: "Training") -> None:
        save_tensors(self.path, *self.scope.watched.parts())
        self.then.saving(training)

    def note(self, text: str) -> None:
        self.then.note(text)

    def close(self) -> None:
        self.scope.end()
        self.then.close()
