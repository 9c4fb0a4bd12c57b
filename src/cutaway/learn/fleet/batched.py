"""Members as one stack, or as several stacks where memory holds no more."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import torch

from cutaway.data.imageset import ImageSet
from cutaway.learn import checkpoint
from cutaway.learn.directory import training_lock
from cutaway.learn.ending import finish
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import Trainer, expect_all, stopped
from cutaway.learn.fleet.stack import Feeds, LossStack, StackOptimizer
from cutaway.learn.interrupt import stoppable
from cutaway.learn.loop import MetricTotals, training_steps
from cutaway.learn.stage import task_of
from cutaway.learn.step_history import StepReader, Windows
from cutaway.learn.task import Task
from cutaway.learn.training import Training


class Wave:
    """Runs that take their steps together, and are kept as if each had learned alone.

    Args:
        trainings: by their numbers in the fleet; all at the same step.
    """

    def __init__(self, fleet: Fleet, trainings: dict[int, Training], execution: Execution):
        self.fleet, self.callbacks = fleet, execution.callback
        self.checkpoint_every = execution.checkpoint_every
        self.trainings, self.lost = trainings, dict[int, str]()
        every_one = list(trainings.values())
        self.stage = every_one[0].stage
        # Of one small network a step may be too little for several threads; of a stack it is not.
        self.runtime = replace(every_one[0].runtime, threads=torch.get_num_threads())
        self.step, self.seconds = self.stage.step, sum(t.seconds for t in every_one)

    def go(self) -> list[str]:
        """Train to the end and test each; why those that were lost were.

        Raises:
            Stopped: the user asked to; checkpoints have been written.
        """
        with ExitStack() as stack, self.runtime.session():
            for training in self.trainings.values():
                stack.enter_context(training_lock(training.run.path))
                self.callbacks.on_run_begin(training)
                stack.callback(self.callbacks.on_run_end, training)
                training.begin()
            self._find_lost()
            self._stack_members()
            self._learn()
            for k, training in self._active():
                training.stage.conclude()
                finish(training)
                self.callbacks.on_member_end(self.fleet, k)
        return [f"Member {k + 1}: {why}" for k, why in self.lost.items()]

    def _find_lost(self) -> None:
        """Those that a resumed stack has lost before: they have no figures of the last epoch."""
        for k, training in self.trainings.items():
            if len(training.stage.rows) < self.step // self.stage.steps_per_epoch:
                self._drop(k)

    def _drop(self, k: int) -> None:
        self.lost[k] = (
            f"the loss stopped being a finite number by step {self.step}. Try a lower --lr."
        )

    def _stack_members(self) -> None:
        every_one = self.trainings.values()
        self.optimizers_of = [t.stage.player_optimizers[0] for t in every_one]
        stack = LossStack([t.stage.network for t in every_one], self.stage.task)
        self.player_optimizer = StackOptimizer(
            stack, [t.stage.recipe for t in every_one], self.runtime
        )
        self.player_optimizer.load_from(self.optimizers_of)
        self.feeds = Feeds([t.stage.feed for t in every_one])
        self.totals = stack_totals([t.stage.totals for t in every_one])
        known = [t.steps.stages[0] for t in every_one if t.steps.stages]
        windows = Windows.together(known) if len(known) == len(every_one) else None
        self.reader = StepReader(self.totals, self.step, windows)

    def _learn(self) -> None:
        saved = time.monotonic()
        self._notify("on_stage_begin")
        with stoppable() as request:
            for _ in self._steps():
                if self.step % self.stage.steps_per_epoch == 0:
                    self._end_epoch()
                if request.pending:
                    self._save()
                    raise stopped(self.fleet)
                if time.monotonic() - saved >= self.checkpoint_every:
                    self._save()
                    saved = time.monotonic()
            self._save()

    def _steps(self) -> Iterator[None]:
        """A step of all each, timed; what is done between them is off the clock."""
        self._notify("on_step_begin")
        started = time.monotonic()
        for step in training_steps(
            [self.player_optimizer], self.feeds, self.totals, self.step, self.stage.steps
        ):
            self.step = step
            self.reader.add(self.totals, self.player_optimizer.rates)
            self.seconds += time.monotonic() - started
            self._notify("on_step_end")
            yield
            if step < self.stage.steps:
                self._notify("on_step_begin")
            started = time.monotonic()

    def _notify(self, event: str) -> None:
        """Each member's event, where anybody listens: what it is told of must be known first."""
        if self.callbacks.handles(event):
            self._update_members()
            for _, training in self._active():
                getattr(self.callbacks, event)(training)

    def _end_epoch(self) -> None:
        self._update_members()
        for k, training in self._active():
            if training.stage.totals.finite:
                training.end_epoch()
            else:
                self._drop(k)
        self.totals.clear()
        self.reader.end_epoch()
        if rows := [training.rows[-1] for _, training in self._active()]:
            self.callbacks.on_members_epoch_end(self.fleet, rows)

    def _active(self) -> list[tuple[int, Training]]:
        return [(k, one) for k, one in self.trainings.items() if k not in self.lost]

    def _save(self) -> None:
        self._update_members()
        self.reader.read()
        for i, training in enumerate(self.trainings.values()):
            if self.reader.windows is not None:
                training.steps.stages[0] = self.reader.windows.of(i)
            training.save()

    def _update_members(self) -> None:
        """Let each member know where it stands; its weights it has."""
        self.player_optimizer.save_to(self.optimizers_of)
        for i, training in enumerate(self.trainings.values()):
            training.step = training.stage.step = self.step
            training.images_seen = training.stage.images_before(self.step)
            training.seconds = self.seconds / len(self.trainings)
            training.stage.totals = member_totals(self.totals, i)


def restore_together(trainer: Trainer, members: Sequence[int]) -> dict[int, Training]:
    """Members at the last step at which there is a checkpoint of each.

    Checkpoints of a wave are written one after the other, and each member keeps the one before;
    whatever moment it was killed at, there is such a step, unless somebody went on with a member
    by itself: then all begin again.
    """
    trainings = {k: trainer.training(k) for k in members}
    least = min(training.step for training in trainings.values())
    for training in trainings.values():
        if training.step > least:
            checkpoint.rewind(training.run.path / "checkpoint")
            training.restore()
    if all(training.step == least for training in trainings.values()):
        return trainings
    for training in trainings.values():
        shutil.rmtree(training.run.path / "checkpoint", ignore_errors=True)
    return {k: trainer.training(k) for k in members}


def stack_totals(tallies: Sequence[MetricTotals]) -> MetricTotals:
    """The members' sums, one after the other in each tensor."""
    first = tallies[0]
    sums = {name: torch.stack([t.sums[name] for t in tallies]) for name in first.sums}
    return MetricTotals(sums, dict(first.images))


def member_totals(totals: MetricTotals, i: int) -> MetricTotals:
    """One member's sums."""
    return MetricTotals(
        {name: sums[i].clone() for name, sums in totals.sums.items()}, dict(totals.images)
    )


def batched(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """All members that memory holds at once take their steps together."""
    trainer, problems = Trainer(fleet, images, execution), list[str]()
    for members in waves(fleet):
        groups = by_training_images(trainer, members)
        if len(groups) > 1:
            sizes = " or ".join(dict.fromkeys(f"{size:,}" for size, _ in groups))
            alike = "" if len({task for _, task in groups}) == 1 else ", and as many of each class,"
            said = f"Members that learn from equally many images ({sizes}){alike} are a stack."
            execution.callback.on_note(said)
        for group in groups.values():
            problems += Wave(fleet, restore_together(trainer, group), execution).go()
    expect_all(fleet, problems)


def waves(fleet: Fleet) -> Iterator[list[int]]:
    """The members that have not ended, in the groups that the fleet began with."""
    for start in range(0, len(fleet), fleet.at_once):
        group = range(start, min(start + fleet.at_once, len(fleet)))
        if members := [k for k in group if not fleet.ended(k)]:
            yield members


def by_training_images(
    trainer: Trainer, members: Sequence[int]
) -> dict[tuple[int, Task], list[int]]:
    """Members by how many images they learn from, on which the sizes of all batches depend.

    And by their tasks, which are apart where the classes of these images weigh in the loss.
    """
    groups: dict[tuple[int, Task], list[int]] = {}
    for k in members:
        recipe = trainer.fleet.recipe_of(k)
        parts = trainer.divided(recipe)
        task = task_of(recipe, parts, trainer.images, recipe.seed)
        groups.setdefault((len(parts.train), task), []).append(k)
    return groups
