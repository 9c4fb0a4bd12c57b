"""The recipe's `watch` at work: a scope around a run's training, kept in its directory."""

from typing import TYPE_CHECKING

from torch import nn

from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import load_tensors, save_tensors
from cutaway.see.watch import Scope
from cutaway.see.watched import Watched
from cutaway.together.team import Team

if TYPE_CHECKING:
    from cutaway.learn.run import Run
    from cutaway.learn.training import Training

FILE = "watch.safetensors"


class Watching(Callback):
    """Looks into a run's network each so many steps.

    Of several processes the first one looks: at its own images, and at the gradients of all.
    """

    def __init__(self, run: "Run", model: nn.Module, team: Team):
        self.path, self.team = run.path / FILE, team
        inside = not run.runtime.compile
        self.scope = Scope(model, run.recipe.watch, inside=inside, late=not team.alone)

    def on_run_begin(self, training: "Training") -> None:
        if note := self.scope.note:
            training.callbacks.on_note(note)
        if not self.team.alone:
            training.callbacks.on_note(
                f"Watched are the layers on the first process's images, one in {self.team.size}."
            )

    def on_stage_begin(self, training: "Training") -> None:
        if training.step and not self.scope.step and self.path.exists():
            self.scope.remember(Watched.of(*load_tensors(self.path)), training.step)

    def on_step_begin(self, training: "Training") -> None:
        self.scope.begin(training.step + 1)

    def on_step_end(self, training: "Training") -> None:
        self.scope.end()

    def on_checkpoint(self, training: "Training") -> None:
        save_tensors(self.path, *self.scope.watched.parts())

    def on_run_end(self, training: "Training") -> None:
        self.scope.end()
