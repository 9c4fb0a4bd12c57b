"""The changes of a run: its file, and the callback that makes them at their steps."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from cutaway.errors import RunError, UsageError
from cutaway.files import read_rows, write_whole
from cutaway.learn.callbacks import Callback
from cutaway.learn.interventions.changes import Change, change_of
from cutaway.learn.interventions.lasting import Lasting
from cutaway.learn.interventions.units import dropouts, hold

if TYPE_CHECKING:
    from cutaway.learn.training import Training

FILE = "interventions.jsonl"


@dataclass(frozen=True)
class Intervention:
    """A change, and how many steps of the run had been taken.

    Attributes:
        undoes: whether it takes another back.
    """

    step: int
    change: Change
    undoes: bool = False

    def __str__(self) -> str:
        return self.change.taken_back() if self.undoes else str(self.change)

    def to_dict(self) -> dict[str, Any]:
        undoes = {"undoes": True} if self.undoes else {}
        return {"step": self.step, "kind": self.change.kind, **asdict(self.change), **undoes}

    @classmethod
    def from_dict(cls, content: Any) -> "Intervention":
        """Raises ValueError where it is none."""
        if not isinstance(content, Mapping):
            raise ValueError("an intervention has a step and a kind")
        about = dict(content)
        step = about.pop("step", None)
        if not isinstance(step, int) or step < 0:
            raise ValueError("an intervention has a step, a whole number from 0")
        return cls(step, undoes=about.pop("undoes", False) is True, change=change_of(about))


def read_interventions(path: Path) -> tuple[Intervention, ...]:
    """Those of a file, or of a run.

    Raises:
        UsageError: there are none, or they cannot be read.
    """
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise UsageError(f"{path} holds no {FILE}: nobody reached into that training.")
    try:
        found = [Intervention.from_dict(row) for row in read_rows(file)]
    except (ValueError, RunError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    return tuple(sorted(found, key=lambda one: one.step))


def interventions_of(run: Path) -> tuple[Intervention, ...]:
    """Those of a run; none where nobody reached in. Raises UsageError where they are damaged."""
    return read_interventions(run) if (run / FILE).exists() else ()


def written(interventions: Iterable[Intervention]) -> str:
    """The lines of a file of them."""
    return "".join(json.dumps(one.to_dict()) + "\n" for one in interventions)


class Interventions(Callback):
    """Makes the changes of a run at their steps, and takes new ones.

    Attributes:
        log: all of them, in their order; of a run that repeats another, also those to come.
        lasting: what those so far mean from here on.
    """

    def __init__(self, path: Path):
        self.path = path / FILE
        self.log = list(interventions_of(path))
        self.lasting, self._done = Lasting(), 0
        self._undo: list[tuple[Change, ...]] = []
        self._own: dict[nn.Module, float] = {}

    @property
    def made(self) -> Sequence[Intervention]:
        """Those up to here."""
        return self.log[: self._done]

    @property
    def undoable(self) -> bool:
        """Whether there is one that can be taken back."""
        return bool(self._undo)

    def on_stage_begin(self, training: "Training") -> None:
        """Take up what was changed before; weights were put away with the network."""
        self.lasting, behind = Lasting(), [one for one in self.log if one.step < training.step]
        for one in behind:
            one.change.remember(self.lasting)
        self._done = len(behind)
        self._establish(training)

    def on_step_begin(self, training: "Training") -> None:
        while self._done < len(self.log) and self.log[self._done].step == training.step:
            change = self.log[self._done].change
            change.check(training)
            self._make(training, change)

    def on_step_end(self, training: "Training") -> None:
        if self.lasting.held:
            self._hold(training)

    def add(self, training: "Training", change: Change) -> None:
        """Change something now, between two steps: it is written down, and then made.

        Raises:
            UsageError: this training does not have what is to be changed.
            RunError: it cannot be written down; nothing is changed.
        """
        self._add(training, change)

    def undo(self, training: "Training") -> bool:
        """Take the last change back that was made since the training began or was resumed; False
        where there is none. What was learned in between stays."""
        if not self._undo:
            return False
        taken_back = self._undo.pop()
        for change in taken_back:
            self._add(training, change, undoes=True)
        return True

    def _add(self, training: "Training", change: Change, undoes: bool = False) -> None:
        if not training.runtime.team.alone or training.runtime.sharded:
            raise UsageError("A training of several processes takes no changes.")
        change.check(training)
        log = [*self.log]
        log.insert(self._done, Intervention(training.step, change, undoes))
        write_whole(self.path, written(log))
        self.log = log
        if not undoes:
            self._undo.append(change.undone(training, self.lasting))
        self._make(training, change)

    def _make(self, training: "Training", change: Change) -> None:
        change.make(training)
        change.remember(self.lasting)
        self._done += 1
        self._establish(training)

    def _establish(self, training: "Training") -> None:
        if not self.log:
            return
        for player_optimizer in training.stage.player_optimizers:
            player_optimizer.factor = self.lasting.factor
            player_optimizer.most = self.lasting.images
        for module in dropouts(training.model):
            own = self._own.setdefault(module, module.p)
            module.p = own if self.lasting.dropout is None else self.lasting.dropout
        self._hold(training)

    def _hold(self, training: "Training") -> None:
        for model in _networks(training):
            hold(model, self.lasting.held)


def _networks(training: "Training") -> Sequence[nn.Module]:
    """What learns, and its moving average; that of a network's last modules alone goes by other
    names, and comes to what is held by itself."""
    average, whole = training.stage.average, training.stage.network is training.model
    return [training.model, average.module] if average and whole else [training.model]
