"""The progress of training, as a bar on a terminal or as plain lines."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import nn

from cutaway.data.audit import grid_text
from cutaway.learn.callbacks import Callback
from cutaway.learn.evaluation import number
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.frozen_features import FeatureFeed
from cutaway.learn.history import Row
from cutaway.learn.recipe import OWN
from cutaway.learn.run import Run
from cutaway.learn.search import Search, Trial
from cutaway.learn.stage import Stage
from cutaway.learn.training import Training
from cutaway.models import count
from cutaway.show import measures, origins
from cutaway.show.measures import figures

EVERY = 0.2
"""Seconds between two readings of the loss for the bar."""


def bar_or_lines() -> Callback:
    """A bar on a terminal, plain lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()


@contextmanager
def reading(
    wish: bool, what: str = "reading images"
) -> Iterator[Callable[[int, int], None] | None]:
    """A callback (done, total) that draws a bar while images are decoded, on a terminal only."""
    if not (wish and sys.stderr.isatty()):
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Printed(Callback):
    """Print on standard error, from the process that was started."""

    in_members = False

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)

    def on_note(self, text: str) -> None:
        self.console.print(text, markup=False)


class Lines(Printed):
    """A plain line an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.introduced = -1
        """The stage that was."""
        self.pace: tuple[int, float] | None = None
        """Steps and seconds after the first step of a stage, which sets things up."""

    def on_run_begin(self, training: Training) -> None:
        self.introduce(training)

    def on_stage_begin(self, training: Training) -> None:
        self.introduce(training)
        self.pace = None

    def on_step_end(self, training: Training) -> None:
        self.pace = self.pace or (training.step, training.seconds)

    def on_epoch_end(self, training: Training, row: Row) -> None:
        self.on_note(sentence(training, row, self.pace))

    def introduce(self, training: Training) -> None:
        if self.introduced != training.stage.number:
            self.introduced = training.stage.number
            for line in introduction(training):
                self.on_note(line)


class Bar(Lines):
    """A bar that moves with every step, above it a line an epoch."""

    def __init__(self) -> None:
        super().__init__()
        columns = "[accent]{task.fields[epoch]}", "{task.fields[loss]}", "{task.fields[speed]}"
        first, *rest = (TextColumn(text.replace("[accent]", "[cyan]")) for text in columns)
        self.bar = Progress(first, BarColumn(), *rest, TimeRemainingColumn(), console=self.console)
        self.bar_id: TaskID | None = None
        self.read = 0.0

    def on_stage_begin(self, training: Training) -> None:
        super().on_stage_begin(training)
        stage = training.stage
        if self.bar_id is not None:  # of the stage before
            self.bar.remove_task(self.bar_id)
        self.bar_id = self.bar.add_task(
            "", total=stage.steps, completed=stage.step, epoch="", loss="", speed=""
        )
        self.bar.start()

    def on_step_end(self, training: Training) -> None:
        super().on_step_end(training)
        now = time.monotonic()
        if now - self.read < EVERY:
            return
        self.read = now
        stage, losses = training.stage, _losses(training.stage.totals.means())
        assert self.bar_id is not None
        self.bar.update(
            self.bar_id,
            completed=stage.step,
            epoch=f"epoch {1 + stage.step // stage.steps_per_epoch}",
            loss=losses,
            speed=f"{speed(training):,.0f} images/s",
        )

    def on_run_end(self, training: Training) -> None:
        self.bar.stop()


class Members(Printed):
    """A plain line a member."""

    def on_fleet_begin(self, fleet: Fleet, why: str) -> None:
        self.on_note(f"{fleet.recipe.model} on {fleet.recipe.data}. {why}")

    def on_member_end(self, fleet: Fleet, k: int) -> None:
        run, differs = Run(fleet.place(k)), origins.apart(fleet.changes[k])
        name = run.leading
        value = f"{measures.name(name)} {measures.text(name, number(run.results, name))}"
        self.on_note(f"member {k + 1} of {len(fleet)} ({differs}): test {value}")

    def on_members_epoch_end(self, fleet: Fleet, rows: Sequence[Row]) -> None:
        epochs, number = fleet.recipe.epochs, rows[0]["epoch"]
        mean = {k: sum(row[k] for row in rows) / len(rows) for k in rows[0]}
        text = "".join(f"  {name} {value}" for name, value in figures(mean))
        self.on_note(f"epoch {number:>{len(str(epochs))}}/{epochs}{text}  (means of {len(rows)})")


class Trials(Printed):
    """A plain line a trial."""

    def on_search_begin(self, search: Search) -> None:
        done = len([trial for trial in search.trials if trial.state != "running"])
        fields = ", ".join(name.replace("_", " ") for name in search.space)
        subject = f"{search.recipe.model} on {search.recipe.data}"
        self.on_note(f"{subject}: {len(search)} trials over {fields}.")
        if done:
            self.on_note(f"Resuming after {done} of {len(search)} trials.")

    def on_trial_end(self, search: Search, trial: Trial) -> None:
        best = search.leader(search.trials)
        record = "  (the best so far)" if best and best.number == trial.number else ""
        self.on_note(
            f"trial {trial.number + 1:>{len(str(len(search)))}}/{len(search)}  "
            f"{outcome(search, trial)}{record}  {origins.changes(trial.changes)}"
        )


def outcome(search: Search, trial: Trial) -> str:
    """The result of a trial, in words."""
    if trial.value is not None:
        name = measures.name(search.objective)
        return f"{name} {measures.text(search.objective, trial.value)}"
    if trial.state == "pruned":
        return f"pruned after epoch {trial.epochs}"
    return f"failed: {trial.why}"


def introduction(training: Training) -> list[str]:
    """The lines before training: the network, its data, and the settings that were chosen."""
    run, split, stage = training.run, training.run.split, training.stage
    sizes = f"{len(split.train):,} train, {len(split.val):,} validation, {len(split.test):,} test"
    plan = steps(stage)
    lines = [
        f"{run.recipe.model} ({_parameters(training.model)}) on {run.data.name}: {sizes}",
        f"{training.runtime}; {plan}",
        *_image_size(run),
    ]
    if stage.recipe.augment != "none":
        lines[1] += f"; augmentation {stage.recipe.augment.removeprefix(OWN)}"
    stages = len(training.recipes)
    if stages > 1:
        still = ", on features that are computed once" * isinstance(stage.feed, FeatureFeed)
        lines.append(f"Stage {stage.number + 1} of {stages}: {stage.recipe.task}, {plan}{still}")
        if stage.number:
            lines = lines[-1:]
    if training.fresh:
        lines += [one["sentence"] for one in run.notes if one["kind"] == "augmentation"]
    if stage.step:
        lines.append(f"Resuming from step {stage.step:,}.")
    return [*lines, *_notes_on_objects(training)]


def _parameters(network: nn.Module) -> str:
    """`61,706 parameters`; of a network that learns in part also how many do."""
    learn, whole = count(network), count(network, held=True)
    return f"{whole:,} parameters" + (f", {learn:,} of them learn" if learn < whole else "")


def _image_size(run: Run) -> list[str]:
    """A line on the size of the images that the network learns from, and who chose it."""
    card, size = run.data, run.recipe.image_size
    if len(card.size) != 2:
        return []
    who = "set by the recipe" if size else "chosen from the data"
    return [f"Images of {grid_text(card.size)}, {who}: --image-size N for others"]


def _notes_on_objects(training: Training) -> list[str]:
    """The notes on data of one's own, for which no command prints them at the end."""
    own = training.fresh and training.run.recipe.data.startswith(OWN)
    return [f"Note: {one['sentence']}" for one in training.run.notes] if own else []


def steps(stage: Stage) -> str:
    """`40 steps of 23 images`, and what an epoch leaves out."""
    feed, last = stage.feed, stage.steps_per_epoch
    least, most = stage.images_before(last) - stage.images_before(last - 1), stage.images_before(1)
    sizes = f"{least:,}" + f" or {most:,}" * (least < most)
    left_out = len(feed.index) - feed.images_per_epoch if feed.finite else 0
    text = f"{stage.steps:,} step{'s' * (stage.steps != 1)} of {sizes} images"
    return text + f" (each epoch leaves out {left_out:,}: drop_last)" * bool(left_out)


def sentence(training: Training, row: Row, since: tuple[int, float] | None = None) -> str:
    """One epoch in one line.

    Args:
        since: steps and seconds from which on the time that is left is estimated.
    """
    stage, before = training.stage, len(training.rows) - len(training.stage.rows)
    epochs = before + stage.recipe.epochs
    text = f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}"
    for name, value in figures(row):
        text += f"  {name} {value}"
    step, seconds = since if since and since[0] < training.step else (0, 0.0)
    left = (stage.steps - stage.step) * (training.seconds - seconds) / max(training.step - step, 1)
    of = f" of stage {stage.number + 1}" * (len(training.recipes) > 1)
    return text + f"  {speed(training):,.0f} images/s  {left:.0f} s left{of}"


def speed(training: Training) -> float:
    """Images a second so far, on the clock of the loop."""
    return training.images_seen / max(training.seconds, 1e-9)


def _losses(means: dict[str, float]) -> str:
    losses = [(k, v) for k, v in means.items() if k.endswith("loss")]
    return "  ".join(f"{k.replace('_', ' ')} {v:.3f}" for k, v in losses)
