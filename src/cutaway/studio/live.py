"""The callback by which the studio sees a training and reaches into it.

What is on somebody's screen is computed between two steps, for a small share of the time; what is
not is not. Nothing that is only looked at changes the training.
"""

import os
import signal
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.history import Row
from cutaway.learn.interventions import (
    Change,
    Intervention,
    OfWeights,
    change_of,
    divisible,
    dropouts,
)
from cutaway.studio.condition import Condition, after_epochs, after_steps, met
from cutaway.studio.effect import effect, quality
from cutaway.studio.inside import Insides
from cutaway.studio.looking import Looking
from cutaway.studio.pace import paced
from cutaway.studio.requests import look, take_all
from cutaway.studio.scene import LiveScene
from cutaway.studio.telling import about_run, progress, told
from cutaway.studio.wire import Inbox, Message, Outbox

if TYPE_CHECKING:
    from cutaway.learn.evaluation import Evaluation
    from cutaway.learn.training import Training

IDLE = 0.2
"""Seconds that a paused training waits for a message before it looks around."""
COUNTED = 1.0
"""Seconds over which images a second are counted."""


class Live(Callback):
    """Shows a training, and does what its owner says.

    Args:
        paused: whether it waits before its first step.
        pace: steps a second; 0 for as many as it can.
    """

    in_members = False

    def __init__(self, inbox: Inbox, outbox: Outbox, paused: bool = False, pace: float = 0.0):
        self.inbox, self.outbox = inbox, outbox
        self.looking: Looking | None = None
        self.insides: Insides | None = None
        self.paused = paused
        self.until: Condition | None = None
        self.pace, self._next = pace, 0.0
        self._stopping = False
        self._effects: dict[Intervention, str] = {}
        self._mark, self._rate = (monotonic(), 0), 0.0

    # What happens to the training

    def on_stage_begin(self, training: "Training") -> None:
        if self.looking is None:
            self.looking = Looking(LiveScene(training), self.outbox)
            self.insides = Insides(self.looking.scene, self.outbox)
            self.outbox.say(begun(training, self.looking))
        self._say_changes(training)
        self._say_state(training)

    def on_step_begin(self, training: "Training") -> None:
        """Do what was said since the last step, and wait where it was asked for."""
        self._take_all(training)
        if self.pace:
            self._keep_pace(training)
        if self.until is not None and self.until(training):
            self.until, self.paused = None, True
        if self.paused:
            self._wait(training)
        if self.looking is not None:
            self.looking.budget.begin_step()

    def _wait(self, training: "Training") -> None:
        """Wait until the training is to go on, and show it as it stands."""
        self._say_state(training)
        while self.paused and not (self._stopping or self.inbox.ended):
            self._show(training, now=True)
            self._take_all(training, IDLE)
        self._mark = monotonic(), training.images_seen
        self._next = monotonic()
        self._pass_one()
        self._say_state(training)

    def _keep_pace(self, training: "Training") -> None:
        """Wait until it is time for the next step, and show what the last one did."""
        assert self.looking is not None
        while not (self.paused or self._stopping or self.inbox.ended):
            rest = self._next - monotonic()
            if rest <= 0:
                break
            self._show(training, now=self.looking.ready)
            self._take_all(training, min(rest, IDLE))
        self._pass_one()

    def _pass_one(self) -> None:
        """A step is taken after a wait: the next is due at the pace."""
        self._next = max(self._next, monotonic()) + (1 / self.pace if self.pace else 0.0)
        self._uncount()

    def on_step_end(self, training: "Training") -> None:
        if self.looking is None:
            return
        self.looking.budget.end_step()
        self._show(training)
        self.looking.budget.begin_step()  # to get the next batch is a part of the next step

    def on_evaluation_end(self, training: "Training", part: str, evaluation: "Evaluation") -> None:
        if self.looking is not None and part == "val":
            self.looking.scene.evaluation = evaluation
            self.looking.renew("confusion", "mistakes")
        self._uncount()

    def on_epoch_end(self, training: "Training", row: Row) -> None:
        self._show(training, now=training.stage.ended)
        self._uncount()

    def _uncount(self) -> None:
        """What comes between two steps is no part of either."""
        if self.looking is not None:
            self.looking.budget.forget_step()

    def on_note(self, text: str) -> None:
        self.outbox.say({"kind": "said", "text": text, "tone": "note"})

    # What is said to it

    def _take_all(self, training: "Training", seconds: float = 0.0) -> None:
        take_all(self.inbox, self.outbox, partial(self._take, training), seconds)

    def _take(self, training: "Training", message: Message) -> None:
        assert self.looking is not None
        assert self.insides is not None
        if "open" in message.get("inside", ()) and not self.paused:
            raise UsageError("Pause the training before you look inside a step.")
        if look(message, self.looking, self.insides, partial(begun, training, self.looking)):
            return
        if "change" in message:
            self._change(training, change_of(message["change"]))
        elif message.get("undo"):
            if not training.interventions.undo(training):
                raise UsageError("There is nothing to undo.")
            self._changed(training)
        elif "pace" in message:
            self.pace = paced(message["pace"])
            self._next = 0.0
            self._say_changes(training)
        elif "do" in message:
            self._do(training, message)

    def _do(self, training: "Training", message: Message) -> None:
        what, until = message["do"], None
        if what == "step":
            until = after_steps(training, 1)
        elif what == "epoch":
            until = after_epochs(training, 1)
        elif what == "until":
            until = met(training, message)
        elif what == "stop":
            self._stopping = True
            os.kill(os.getpid(), signal.SIGINT)
        elif what not in ("pause", "go"):
            raise ValueError(what)
        self.paused, self.until = what == "pause", until  # only once it is known to be possible
        if self.insides is not None and not self.paused:
            self.insides.close()

    def _change(self, training: "Training", change: Change) -> None:
        """Change something, and see what that does to the answers."""
        assert self.looking is not None
        weights = isinstance(change, OfWeights)
        before = quality(self.looking.scene) if weights else None
        training.interventions.add(training, change)
        if before:
            done = effect(before, quality(self.looking.scene))
            self._effects[training.interventions.made[-1]] = done
        self._uncount()
        self._changed(training)

    def _changed(self, training: "Training") -> None:
        assert self.looking is not None
        self.looking.renew()
        self._say_changes(training)

    # What it says

    def _say_state(self, training: "Training") -> None:
        state = "paused" if self.paused else "training"
        self.outbox.say({"kind": "state", "state": state, "run": str(training.run.path)})

    def _say_changes(self, training: "Training") -> None:
        changes = training.interventions
        known = told(changes.made, changes.lasting, changes.undoable, self._effects)
        self.outbox.say(known | {"pace": self.pace})

    def _show(self, training: "Training", now: bool = False) -> None:
        if self.looking is None:
            return
        if now or self.looking.due:
            self.looking.show(self._about(training), now)
        else:
            self.looking.tell(partial(self._about, training))

    def _about(self, training: "Training") -> Message:
        """What a frame says beside its figures."""
        clock, seen = monotonic(), training.images_seen
        if clock - self._mark[0] > COUNTED:
            self._rate = (seen - self._mark[1]) / (clock - self._mark[0])
            self._mark = clock, seen
        return progress(training.step, training.rows, epochs(training)) | {
            "lr": training.stage.player_optimizers[0].rates[0], "rate": self._rate,
            "scheduled": training.stage.player_optimizers[0].scheduled,
        }  # fmt: skip


def epochs(training: "Training") -> int:
    return sum(one.epochs for one in training.recipes)


def begun(training: "Training", looking: Looking) -> Message:
    """What a page needs to know of a training."""
    stage = training.stage
    return about_run(looking.scene, looking.views) | {
        "epochs": epochs(training), "steps": stage.steps, "steps_per_epoch": stage.steps_per_epoch,
        "batch": stage.recipe.batch_size if divisible(training) else 0,
        "dropout": next((one.p for one in dropouts(training.model)), False), "snapshots": [],
    }  # fmt: skip
