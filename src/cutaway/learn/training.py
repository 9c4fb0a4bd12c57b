"""A run in progress: the loop with its checkpoints, validation and end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cutaway.data.augment import parse
from cutaway.data.feed import Feed
from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, TrainingError
from cutaway.files import write_json, write_whole
from cutaway.learn import checkpoint
from cutaway.learn.checkpoint import save_tensors
from cutaway.learn.evaluate import evaluate
from cutaway.learn.history import best
from cutaway.learn.interrupt import stoppable
from cutaway.learn.loop import NotFinite, Tally, play, seats
from cutaway.learn.nonfinite import first_not_finite
from cutaway.learn.run import Run

CHECK_EVERY = 50
"""Steps between two looks at the loss where a look means waiting for the device."""


class Stopped(RunError):
    """The user asked to stop; the checkpoint is written."""

    exit_code = 130


class Listener:
    """What wants to know how training goes; each method may be overridden."""

    def begin(self, training: "Training") -> None: ...

    def step(self, training: "Training") -> None: ...

    def epoch(self, training: "Training", row: dict[str, Any]) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Training:
    """Everything that moves while a run learns, and how it is put away and brought back.

    Args:
        model: the network as it begins; it is trained in place.
        checkpoint_every: seconds between checkpoints.
    """

    def __init__(
        self,
        run: Run,
        images: ImageSet,
        model: nn.Module,
        listener: Listener | None = None,
        checkpoint_every: float = 15.0,
    ):
        self.run, self.images = run, images
        self.listener = listener or Listener()
        self.checkpoint_every = checkpoint_every
        recipe, machine = run.recipe, run.machine
        self.recipe, self.machine = recipe, machine
        self.model = machine.place(model).train()
        playing = torch.compile(self.model) if machine.compile else self.model
        self.table = seats(run.task.players(playing), recipe, machine)  # type: ignore[arg-type]
        self.average = (
            AveragedModel(
                self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True
            )
            if recipe.ema
            else None
        )
        self.feed = Feed(
            images, run.split.train, batch_size=recipe.batch_size, normalise=run.data.normalise,
            seed=recipe.seed, augment=parse(recipe.augment), device=machine.device,
            memory_format=machine.torch_memory_format,
        )  # fmt: skip
        self.val = run.feed(images, run.split.val) if len(run.split.val) else None
        self.tally = Tally()
        self.rows: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.step, self.seconds = 0, 0.0

    @property
    def steps(self) -> int:
        """How many steps the whole run takes, unless it stops early."""
        return self.recipe.epochs * self.feed.steps_per_epoch

    @property
    def answering(self) -> nn.Module:
        """The network that is judged: the averaged one where there is one."""
        return self.model if self.average is None else self.average.module

    def go(self) -> None:
        """Train from where it stands to the end, test once, and keep the results.

        Raises:
            Stopped: the user asked to; a checkpoint has been written.
            TrainingError: the loss is not finite.
            RunError: something cannot be written.
        """
        with self.machine.session(), self._listening():
            if not self.step:
                self.save()
            if not self.out_of_patience():
                self._learn()
            self._finish()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self.listener.begin(self)
        try:
            yield
        finally:
            self.listener.close()

    def _learn(self) -> None:
        saved = time.monotonic()
        with stoppable() as request:
            for _ in self._steps():
                at_end = self.step % self.feed.steps_per_epoch == 0
                if at_end:
                    self._end_epoch()
                if request.made:
                    self.save()
                    raise Stopped(
                        f"Stopped at step {self.step} of {self.steps}, as asked. "
                        f"Go on with: cutaway resume {self.run.path}"
                    )
                if at_end and self.out_of_patience():
                    break
                if time.monotonic() - saved >= self.checkpoint_every:
                    self.save()
                    saved = time.monotonic()
            self.save()

    def _steps(self) -> Iterator[None]:
        """One turn of the loop each, timed; what the caller does between them is off the clock."""
        started = time.monotonic()
        try:
            for step in play(self.table, self.feed, self.tally, self.step, self.steps):
                self.step = step
                if self.average is not None:
                    self.average.update_parameters(self.model)
                if not self.machine.sync_is_free and step % CHECK_EVERY == 0:
                    self._check_tally()
                self.seconds += time.monotonic() - started
                self.listener.step(self)
                yield
                started = time.monotonic()
        except NotFinite as problem:
            raise self._not_finite(problem.batch.x) from None

    def _check_tally(self) -> None:
        if not self.tally.sums["loss"].isfinite():
            raise self._not_finite(self.feed.batch(self.step - 1).x)

    def _not_finite(self, x: Tensor) -> TrainingError:
        step = self.step + 1 if self.machine.sync_is_free else self.step
        return TrainingError(
            f"The loss stopped being a finite number at step {step} (epoch "
            f"{(step - 1) // self.feed.steps_per_epoch + 1}); it arose in "
            f"{first_not_finite(self.model, x)}. Try a lower --lr, or --clip 1. What was learned "
            f"up to the last checkpoint is in {self.run.path}."
        )

    def _end_epoch(self) -> None:
        self._check_tally()
        means = self.tally.means()
        row: dict[str, Any] = {
            "epoch": self.step // self.feed.steps_per_epoch,
            "step": self.step,
            "lr": self.table[0].optimizer.param_groups[0]["lr"],
        }
        row |= {f"train_{name}": value for name, value in means.items()}
        if self.val is not None:
            found = evaluate(
                self.answering, self.run.task, self.val, self.images.classes, self.machine
            )
            row |= {"val_loss": found.loss, "val_accuracy": found.accuracy}
        self.tally.clear()
        self.rows.append(row)
        if self.recipe.patience and best(self.rows, self.recipe.monitor) is row:
            self.best = {k: v.detach().clone() for k, v in self.answering.state_dict().items()}
        self._write_metrics()
        self.listener.epoch(self, row)

    def _write_metrics(self) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        write_whole(self.run.path / "metrics.jsonl", lines)

    def out_of_patience(self) -> bool:
        """Whether the validation has not improved for as many epochs as the recipe allows."""
        if not (self.recipe.patience and self.rows):
            return False
        return (
            self.rows[-1]["epoch"] - best(self.rows, self.recipe.monitor)["epoch"]
            >= self.recipe.patience
        )

    def _finish(self) -> None:
        final = self.answering
        if self.best:
            final.load_state_dict(self.best)
        run = self.run
        run.save_weights(final)
        run.__dict__.pop("model", None)
        feed = run.feed(self.images, run.split.test)
        found = evaluate(final, run.task, feed, self.images.classes, self.machine)
        run.log_look("test", "end of training", found)
        answers = {
            "index": found.index, "targets": found.targets, "probabilities": found.probabilities,
        }  # fmt: skip
        save_tensors(run.path / "predictions.safetensors", answers, {"part": "test"})
        speed = len(self.feed.index) * len(self.rows) / max(self.seconds, 1e-9)
        timing = {"train_seconds": self.seconds, "images_per_second": speed}
        write_json(run.path / "timing.json", timing)
        write_json(run.path / "results.json", found.summary())

    def save(self) -> None:
        """Write a checkpoint of everything that moves."""
        tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        facts: dict[str, Any] = {"step": self.step, "seconds": self.seconds, "rows": self.rows}
        facts |= {"images": self.tally.images, "optimizers": {}}
        for seat in self.table:
            name = seat.player.name
            moved, rest = checkpoint.optimizer_state(seat.optimizer, f"optimizer/{name}")
            tensors |= moved
            facts["optimizers"] |= rest
        if self.average is not None:
            tensors |= {f"ema/{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"tally/{k}": v for k, v in self.tally.sums.items()}
        tensors |= {f"best/{k}": v for k, v in self.best.items()}
        checkpoint.save_checkpoint(self.run.path / "checkpoint", tensors, facts)

    def restore(self) -> None:
        """Bring back the last sound checkpoint, if one was written.

        Raises:
            RunError: none is sound, or it does not fit this network.
        """
        found = checkpoint.load_checkpoint(self.run.path / "checkpoint")
        if found is None:
            return
        tensors, facts, problem = found
        if problem:
            self.listener.note(f"{problem} Going on from the checkpoint before it.")

        def part(prefix: str) -> dict[str, Tensor]:
            start = len(prefix) + 1
            return {k[start:]: v for k, v in tensors.items() if k.startswith(prefix + "/")}

        try:
            self.model.load_state_dict(part("model"))
            if self.average is not None:
                self.average.load_state_dict(part("ema"))
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise RunError(f"The checkpoint does not fit the network: {first}") from None
        for seat in self.table:
            prefix = f"optimizer/{seat.player.name}"
            checkpoint.restore_optimizer(seat.optimizer, prefix, tensors, facts["optimizers"])
        sums = {k: v.to(self.machine.device) for k, v in part("tally").items()}
        self.tally = Tally(sums, facts["images"])
        self.best = part("best")
        self.step, self.seconds, self.rows = facts["step"], facts["seconds"], facts["rows"]
