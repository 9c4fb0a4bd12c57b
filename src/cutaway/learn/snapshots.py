"""Weights at some steps of a training, so that one can travel through it afterwards."""

from pathlib import Path
from typing import TYPE_CHECKING

from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import Tensors, load_tensors, save_tensors
from cutaway.learn.history import Row

if TYPE_CHECKING:
    from cutaway.learn.training import Training

FOLDER = "snapshots"
ROOM = 1 << 26
"""Bytes that the snapshots of a run take: 64 MB."""
MOST, LEAST = 120, 2
"""How many a run has: so many of small networks, and none of those of which so few do not fit."""


class Snapshots(Callback):
    """Keeps the weights at some steps, more of them at the beginning, where most happens.

    The k-th of n lies at the square of k/n of a stage, so that which steps they are follows from
    the recipe alone, and what they take is known before.

    Args:
        room: bytes that those of a run may take.
        most: how many there are at most.
    """

    in_members = False

    def __init__(self, room: int = ROOM, most: int = MOST):
        self.room, self.most = room, most
        self._steps: frozenset[int] = frozenset()

    def on_stage_begin(self, training: "Training") -> None:
        self._steps = frozenset()
        if training.runtime.sharded or not training.runtime.team.first:
            return
        each = sum(value.nbytes for value in training.model.state_dict().values())
        count = min(self.most, self.room // max(1, each)) // len(training.recipes)
        if count >= LEAST:
            before = training.step - training.stage.step
            self._steps = frozenset(before + k for k in kept_steps(training.stage.steps, count))

    def on_step_begin(self, training: "Training") -> None:
        self._keep(training)

    def on_epoch_end(self, training: "Training", row: Row) -> None:
        if training.stage.step == training.stage.steps:  # no step of this stage begins after it
            self._keep(training)

    def _keep(self, training: "Training") -> None:
        if training.step in self._steps:
            path = training.run.path / FOLDER / f"{training.step:08}.safetensors"
            path.parent.mkdir(exist_ok=True)
            save_tensors(path, training.model.state_dict(), {"step": training.step})


def kept_steps(total: int, count: int) -> list[int]:
    """The steps of `count` snapshots among `total`, from 0 to the last."""
    return sorted({round(total * (k / (count - 1)) ** 2) for k in range(count)})


def snapshots(run: Path) -> dict[int, Path]:
    """The files of a run's snapshots, by their steps."""
    files = (run / FOLDER).glob("*.safetensors")
    return {int(path.stem): path for path in sorted(files) if path.stem.isdecimal()}


def read_snapshot(path: Path) -> Tensors:
    """The weights of a snapshot. Raises RunError where it is damaged."""
    tensors, _ = load_tensors(path)
    return tensors
