"""A run in progress: its stages, with checkpoints, validation and the end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torch import nn

from cutaway.data.batch import Batch
from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, TrainingError, UsageError
from cutaway.files import write_whole
from cutaway.learn import saving, sharded_checkpoint
from cutaway.learn.callbacks import Callbacks
from cutaway.learn.directory import training_lock
from cutaway.learn.ending import finish
from cutaway.learn.execution import Execution
from cutaway.learn.history import Row
from cutaway.learn.image_grid import in_bytes, save_picture
from cutaway.learn.interrupt import stoppable
from cutaway.learn.interventions import Interventions
from cutaway.learn.loop import NotFinite, training_steps
from cutaway.learn.network import prepare
from cutaway.learn.nonfinite import first_not_finite
from cutaway.learn.regularise import regularised
from cutaway.learn.run import Run
from cutaway.learn.stage import Stage
from cutaway.learn.step_history import StepHistory
from cutaway.learn.task import Player, at_rest
from cutaway.learn.watching import Watching
from cutaway.together.environment import known_to_all
from cutaway.together.sharded import shard
from cutaway.together.team import Question

CHECK_EVERY = 50
"""Steps between two looks at the loss where a look means waiting for the device."""


class Stopped(RunError):
    """The user asked to stop; the checkpoint is written."""

    exit_code = 130


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
        sharded = run.sharded and not team.alone
        self.runtime = replace(run.runtime, team=team, sharded=sharded)
        self.checkpoints = run.path / "checkpoint"
        watching = [Watching(run, model, team)] if run.recipe.watch and team.first else []
        self.steps, self.interventions = StepHistory(run), Interventions(run.path)
        several = [self.steps, self.interventions, *watching, execution.callback]
        self.callbacks = Callbacks(several)
        self.checkpoint_every = execution.checkpoint_every
        self.recipes = run.recipe.in_stages()
        self.model = run.runtime.place(model)
        self.rows: list[Row] = []
        self.images_seen, self.step, self.seconds = 0, 0, 0.0
        self.stage = self._stage(0)

    def enter(self, number: int) -> None:
        """Go to a stage; to the first, where it is."""
        if number:
            self.stage.release()
            self.stage = self._stage(number)

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
        if self.runtime.sharded:
            self._shard()
        elif self.fresh:
            self._prepare()
            self.runtime.team.alike(self.model)
            self.save()

    def _prepare(self) -> None:
        if self.runtime.team.first:
            prepare(self.run, self.model, self.stage.task, self.stage.shown.undivided)

    def _shard(self) -> None:
        """Put the weights apart: those of the last checkpoint, or the first ones."""
        team = self.runtime.team
        place = team.handed_out(str(self.checkpoints.resolve()).encode())
        self.checkpoints = Path(place.decode())
        [begun] = team.any(team.first and sharded_checkpoint.exists(self.checkpoints))
        if not begun:
            self._prepare()
        shard(self.model, team, self.runtime.device)
        self.stage = self._stage(0)  # its optimizers move what is there now
        self._expect_apart()
        if begun:
            self.restore()
        else:
            self.save()

    def _expect_apart(self) -> None:
        """Refuse a network with a module that takes the weights of another. Raises UsageError."""
        batch = next(self.stage.shown.undivided.first(2))
        try:
            with at_rest(self.model, self.runtime):
                self.stage.task.check(self.model, batch, self.run.data.target)
        except RuntimeError as error:
            if "DTensor" not in str(error):
                raise
            raise known_to_all(UsageError(
                "The weights of this network cannot lie apart (--shard), since some are used by "
                "another module than the one that owns them: give --shard no."
            )) from None  # fmt: skip

    def _learn(self) -> None:
        saved, question = time.monotonic(), Question(self.runtime.team)
        stage = self.stage
        self.callbacks.on_stage_begin(self)
        with stoppable() as request, regularised(self.model, stage.recipe):
            for _ in self._steps():
                if stage.at_end_of_epoch:
                    self.end_epoch()
                due = time.monotonic() - saved >= self.checkpoint_every
                stop, due = question.ask(request.pending, due)
                if stop:
                    self.save()
                    raise Stopped(
                        f"Stopped at step {stage.step} of {stage.steps}, as requested. Resume "
                        f"with: cutaway resume {self.run.path}"
                    )
                if stage.at_end_of_epoch and stage.out_of_patience:
                    break
                if due:
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
        self._draw(len(self.rows))
        if self.runtime.team.first:
            lines = "".join(json.dumps(row) + "\n" for row in self.rows)
            write_whole(self.run.path / "metrics.jsonl", lines)
        self.callbacks.on_epoch_end(self, row)

    def _draw(self, epoch: int) -> None:
        """Keep what the network makes of itself, or of some images, at the end of an epoch."""
        if not self.acts:
            return
        batch = next((self.stage.val or self.stage.feed).first(16))
        drawn = self.stage.task.picture(self.stage.answering, batch, self.runtime)
        if self.runtime.team.first and drawn is not None and drawn.ndim == 4:
            save_picture(self.run.path / "samples" / f"{epoch:04}.png", in_bytes(drawn))

    def save(self) -> None:
        """Write a checkpoint of everything that moves: the first process, or each its part."""
        if self.acts:
            self.callbacks.on_checkpoint(self)
            saving.save(self)

    def restore(self) -> None:
        """Bring back the last sound checkpoint; raises what `saving.restore` does."""
        saving.restore(self)

    @property
    def acts(self) -> bool:
        """Whether this process does what the first alone does where it has all of the weights."""
        return self.runtime.team.first or self.runtime.sharded
