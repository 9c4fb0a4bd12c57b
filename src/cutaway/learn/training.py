"""A run in progress: its stages, with checkpoints, validation and the end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypedDict

from torch import nn

from cutaway.data.batch import Batch
from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, TrainingError
from cutaway.files import write_whole
from cutaway.learn import checkpoint
from cutaway.learn.callbacks import Callbacks
from cutaway.learn.directory import training_lock
from cutaway.learn.ending import finish
from cutaway.learn.execution import Execution
from cutaway.learn.history import Row
from cutaway.learn.image_grid import in_bytes, save_picture
from cutaway.learn.interrupt import stoppable
from cutaway.learn.loop import NotFinite, training_steps
from cutaway.learn.network import prepare
from cutaway.learn.nonfinite import first_not_finite
from cutaway.learn.regularise import regularised
from cutaway.learn.run import Run
from cutaway.learn.stage import Stage, StageFacts, part
from cutaway.learn.step_history import StepHistory
from cutaway.learn.task import Player
from cutaway.learn.watching import Watching

CHECK_EVERY = 50
"""Steps between two looks at the loss where a look means waiting for the device."""


class Stopped(RunError):
    """The user asked to stop; the checkpoint is written."""

    exit_code = 130


class Facts(TypedDict):
    """The facts of a checkpoint, beside its tensors."""

    stage: StageFacts
    step: int
    seconds: float
    images_seen: int
    earlier: list[Row]


class Training:
    """Everything that moves while a run learns, and how it is put away and brought back.

    Args:
        model: the network as it begins; it is trained in place.
        execution: what does not decide the result.
    """

    def __init__(
        self,
        run: Run,
        images: ImageSet,
        model: nn.Module,
        execution: Execution,
    ):
        self.run, self.images, team = run, images, execution.team
        self.runtime = replace(run.runtime, team=team)
        watching = [Watching(run, model, team)] if run.recipe.watch and team.first else []
        self.steps = StepHistory(run)
        self.callbacks = Callbacks([self.steps, *watching, execution.callback])
        self.checkpoint_every = execution.checkpoint_every
        self.recipes = run.recipe.in_stages()
        self.model = run.runtime.place(model)
        self.rows: list[Row] = []
        self.images_seen, self.step, self.seconds = 0, 0, 0.0
        self.stage = self._stage(0)

    def _stage(self, number: int) -> Stage:
        recipe = self.recipes[number]
        return Stage(number, recipe, self.run, self.images, self.model, self.runtime)

    @property
    def fresh(self) -> bool:
        """Whether nothing has been learned yet."""
        return not (self.stage.number or self.stage.step)

    def go(self) -> None:
        """Train from where it stands to the end, test once, and keep the results.

        Raises:
            Stopped: the user asked to; a checkpoint has been written.
            TrainingError: the loss is not finite.
            RunError: something cannot be written.
        """
        with self.session():
            self.learn()
            finish(self)

    @contextmanager
    def session(self) -> Iterator[None]:
        """The run for this process alone, the machine as it needs it, the callbacks told.

        Raises:
            RunError: another process trains it.
        """
        with training_lock(self.run.path), self.runtime.session():
            try:
                self.callbacks.on_run_begin(self)
                yield
            finally:
                self.callbacks.on_run_end(self)

    def learn(self) -> None:
        """Take all steps that are left; raises what `go` does. The test set is not looked at."""
        self.begin()
        while True:
            if not self.stage.ended:
                self._learn()
            self.stage.conclude()
            following = self.stage.number + 1
            if following == len(self.recipes):
                return
            self.stage = self._stage(following)
            self.save()

    def begin(self) -> None:
        """Prepare the first step; does nothing where that was taken already."""
        if self.fresh:
            if self.runtime.team.first:
                prepare(self.run, self.model, self.stage.task, self.stage.shown.undivided)
            self.runtime.team.alike(self.model)
            self.save()

    def _learn(self) -> None:
        saved = time.monotonic()
        stage = self.stage
        self.callbacks.on_stage_begin(self)
        with stoppable() as request, regularised(self.model, stage.recipe):
            for _ in self._steps():
                if stage.at_end_of_epoch:
                    self.end_epoch()
                if self.runtime.team.any(request.pending):
                    self.save()
                    raise Stopped(
                        f"Stopped at step {stage.step} of {stage.steps}, as requested. Resume "
                        f"with: cutaway resume {self.run.path}"
                    )
                if stage.at_end_of_epoch and stage.out_of_patience:
                    break
                if time.monotonic() - saved >= self.checkpoint_every:
                    self.save()
                    saved = time.monotonic()
            self.save()

    def _steps(self) -> Iterator[None]:
        """One turn of the loop each, timed; what the caller does between them is off the clock."""
        stage = self.stage
        self.callbacks.on_step_begin(self)
        started = time.monotonic()
        try:
            for step in training_steps(
                stage.player_optimizers, stage.feed, stage.totals, stage.step, stage.steps
            ):
                stage.step = step
                self.images_seen += stage.images_before(step) - stage.images_before(step - 1)
                self.step += 1
                if stage.average is not None:
                    stage.average.update_parameters(stage.network)
                if not self.runtime.sync_is_free and step % CHECK_EVERY == 0:
                    self.check_totals()
                self.seconds += time.monotonic() - started
                self.callbacks.on_step_end(self)
                yield
                if step < stage.steps:
                    self.callbacks.on_step_begin(self)
                started = time.monotonic()
        except NotFinite as problem:
            raise self._not_finite(problem.player, problem.batch, stage.step + 1) from None

    def check_totals(self) -> None:
        """Raises TrainingError where a loss of this epoch was not finite; waits for the device."""
        if not self.stage.totals.finite:
            stage = self.stage
            batch = stage.feed.batch(stage.step - 1)
            raise self._not_finite(stage.player_optimizers[0].player, batch, stage.step)

    def _not_finite(self, player: Player, batch: Batch, step: int) -> TrainingError:
        where = first_not_finite(self.stage.network, batch.x, lambda: player.loss(batch))
        return TrainingError(
            f"The loss stopped being a finite number at step {step} (epoch "
            f"{(step - 1) // self.stage.steps_per_epoch + 1}); it arose in {where}. Try a lower "
            f"--lr, or --clip 1. What was learned up to the last checkpoint is in {self.run.path}."
        )

    def end_epoch(self) -> None:
        """Validate, and write down what the epoch came to."""
        self.check_totals()
        run, stage = self.run, self.stage
        row: Row = {"epoch": len(self.rows) + 1, "step": stage.step}
        if len(self.recipes) > 1:
            row["stage"] = stage.number + 1
        row["lr"] = stage.player_optimizers[0].rates[0]
        row |= {f"train_{name}": value for name, value in stage.totals.means().items()}
        if stage.val is not None:
            evaluation = stage.task.evaluate(
                stage.answering, stage.val, run.data.target, self.runtime
            )
            self.callbacks.on_evaluation_end(self, "val", evaluation)
            row |= stage.measured(evaluation)
        stage.totals.clear()
        self.rows.append(row)
        stage.remember(row)
        if self.runtime.team.first:
            self._draw(len(self.rows))
            lines = "".join(json.dumps(row) + "\n" for row in self.rows)
            write_whole(self.run.path / "metrics.jsonl", lines)
        self.callbacks.on_epoch_end(self, row)

    def _draw(self, epoch: int) -> None:
        """Keep what the network makes of itself, or of some images, at the end of an epoch."""
        batch = next((self.stage.val or self.stage.feed).first(16))
        drawn = self.stage.task.picture(self.stage.answering, batch, self.runtime)
        if drawn is not None and drawn.ndim == 4:
            save_picture(self.run.path / "samples" / f"{epoch:04}.png", in_bytes(drawn))

    def save(self) -> None:
        """Write a checkpoint of everything that moves, which is the same in every process."""
        if not self.runtime.team.first:
            return
        self.callbacks.on_checkpoint(self)
        tensors, stage = self.stage.state()
        tensors |= {f"model/{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"steps/{k}": v for k, v in self.steps.state().items()}
        facts: Facts = {
            "stage": stage,
            "step": self.step,
            "seconds": self.seconds,
            "images_seen": self.images_seen,
            "earlier": self.rows[: len(self.rows) - len(self.stage.rows)],
        }
        checkpoint.save_checkpoint(self.run.path / "checkpoint", tensors, facts)

    def restore(self) -> None:
        """Bring back the last sound checkpoint, if one was written.

        Raises:
            RunError: none is sound, or it does not fit this network.
        """
        saved = checkpoint.load_checkpoint(self.run.path / "checkpoint")
        if saved is None:
            return
        tensors, _, problem = saved
        facts: Facts = saved[1]
        if problem:
            self.callbacks.on_note(f"{problem} Resuming from the checkpoint before it.")
        if number := facts["stage"]["number"]:
            self.stage.release()
            self.stage = self._stage(number)
        try:
            self.model.load_state_dict(part(tensors, "model"))
            self.stage.restore(tensors, facts["stage"])
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise RunError(f"The checkpoint does not fit the network: {first}") from None
        self.steps.restore(part(tensors, "steps"))
        self.rows = [*facts["earlier"], *self.stage.rows]
        self.seconds, self.images_seen = facts["seconds"], facts["images_seen"]
        self.step = facts["step"]
