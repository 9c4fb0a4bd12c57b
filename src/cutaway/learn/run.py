"""A run: the directory that holds everything about one training, and what can be done with it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, TypedDict

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.data.feed import Feed
from cutaway.data.imageset import PARTS, ImageSet
from cutaway.data.split import Split
from cutaway.data.target import Classes
from cutaway.errors import RunError, UsageError
from cutaway.files import read_json, read_rows, writing
from cutaway.learn import runtime as runtimes
from cutaway.learn.answers import Answered, Answering
from cutaway.learn.baselines import FILE as BASELINES
from cutaway.learn.baselines import Baselines
from cutaway.learn.card import DataCard
from cutaway.learn.checkpoint import Tensors, load_tensors, save_tensors
from cutaway.learn.conformal import covering
from cutaway.learn.directory import refuse_member
from cutaway.learn.evaluation import Evaluation, Summary
from cutaway.learn.execution import Execution
from cutaway.learn.head import head_again
from cutaway.learn.history import Row
from cutaway.learn.interventions import Intervention, interventions_of
from cutaway.learn.job import Job
from cutaway.learn.loading import load_other, part_or_data
from cutaway.learn.network import initial_network
from cutaway.learn.notes import Note, read_notes
from cutaway.learn.predict import answered, draw
from cutaway.learn.recipe import OWN, Recipe, read_recipe
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task
from cutaway.learn.unlike import Familiar


class Look(TypedDict):
    """A line of `looks.jsonl`, which also has the leading metric, by its name."""

    when: str
    on: str
    why: str
    images: int


class Timing(TypedDict):
    """A run's `timing.json`: seconds of training, validation and checkpoints left out."""

    train_seconds: float
    images_per_second: float


class Run(Job, Answering):
    """One training on disk."""

    kind, marker = "run", "recipe.toml"
    maker = "Runs are made by `cutaway train`, below the folder runs."

    @cached_property
    def recipe(self) -> Recipe:
        return read_recipe(self.path / "recipe.toml")

    @cached_property
    def data(self) -> DataCard:
        return DataCard.read(self.path / "data.json", self.task.needs or Classes)

    @cached_property
    def split(self) -> Split:
        return Split.load(self.path / "split.json")

    @property
    def environment(self) -> runtimes.Environment:
        environment: runtimes.Environment = read_json(self.path / "environment.json")
        return environment

    @property
    def results(self) -> Summary:
        summary: Summary = self._read_results()
        return summary

    @property
    def metrics(self) -> list[Row]:
        """A row an epoch."""
        return read_rows(self.path / "metrics.jsonl")

    @property
    def steps(self) -> list[Row]:
        """What each step came to; of a long run a row for several, at most 1,000 a stage.

        A row has `step`, the last one; `steps`, their number; `lr` and `train_NAME`, means over
        the steps; `train_NAME_min` and `train_NAME_max`, the least and the greatest of a step.
        None of a run that an earlier version of Cutaway made.
        """
        return read_rows(self.path / "steps.jsonl")

    @property
    def interventions(self) -> tuple[Intervention, ...]:
        """What somebody changed while it learned, in order."""
        return interventions_of(self.path)

    @property
    def looks(self) -> list[Look]:
        """Each time that a held-out part was looked at after training."""
        return read_rows(self.path / "looks.jsonl")

    @property
    def baselines(self) -> Baselines | None:
        """What simple classifiers make of its test images; None where none were tried."""
        path = self.path / BASELINES
        found: Baselines | None = read_json(path) if path.exists() else None
        return found

    @property
    def notes(self) -> list[Note]:
        return read_notes(self.path)

    @property
    def title(self) -> str:
        return f"{self.recipe.model.removeprefix(OWN)} on {self.data.name}"

    @property
    def done(self) -> tuple[int, int, str]:
        return len(self.metrics), sum(one.epochs for one in self.recipe.in_stages()), "epoch"

    @property
    def headline(self) -> tuple[str, float | None]:
        metric = self.task.metric(self.leading)
        return metric.name, metric.of(self.results)

    @property
    def leading(self) -> str:
        """The metric that it is known by."""
        return self.task.leading(self.data.target)

    @property
    def members(self) -> "list[Run]":
        """The runs whose networks answer: itself."""
        return [self]

    @property
    def timing(self) -> Timing:
        timing: Timing = read_json(self.path / "timing.json")
        return timing

    @property
    def tuned(self) -> dict[str, Any]:
        """What was tuned on the validation images, such as {"temperature": 0.8} (`Task.tune`)."""
        path = self.path / "tuned.json"
        return dict(read_json(path)) if path.exists() else {}

    @property
    def task(self) -> Task:
        """The task that the network learned last, with what was tuned once it had."""
        return make_task(self.recipe.in_stages()[-1]).with_tuned(self.tuned)

    @cached_property
    def runtime(self) -> runtimes.Runtime:
        """The runtime of its training, or the processor where its device is not here."""
        return runtimes.recorded(self.recipe, self.environment.get("threads"))

    def new_model(self) -> nn.Module:
        """The network before training.

        Raises:
            UsageError: it was an object of the user's own, which has to be handed in again.
        """
        if self.given is not None:
            return head_again(self.recipe, self.given, self.data, self.task.needs is not None)
        if self.recipe.model.startswith(OWN):
            raise UsageError(
                f"{self.path} trained {self.recipe.model.removeprefix(OWN)}, a network of your "
                "own: hand it in again, cutaway.load(path, model=...)."
            )
        card = self.data
        return initial_network(self.recipe, card.channels, card.target.outputs, card.size)

    @cached_property
    def model(self) -> nn.Module:
        """The trained network, on the run's device, at rest.

        Raises:
            RunError: no weights yet, or weights that do not fit or were changed.
        """
        path = self.path / "weights.safetensors"
        if not path.exists():
            raise RunError(
                f"{self.path} has no weights yet: resume it with `cutaway resume {self.path}`."
            )
        tensors, _ = load_tensors(path)
        model = self.new_model()
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise RunError(f"{path} does not fit the network: {first}") from None
        return self.runtime.place(model).eval()

    @property
    def sharded(self) -> bool:
        """Whether the processes that train it each keep a part of its weights."""
        return self.environment.get("sharded", False)

    def save_weights(self, state: Tensors) -> None:
        """Keep the weights of the trained network, with what is needed to use them."""
        recipe = self.recipe
        facts = {"model": recipe.model, "options": recipe.model_options}
        facts |= {"data": self.data.to_dict()}
        save_tensors(self.path / "weights.safetensors", state, facts)

    def resume(self, images: ImageSet | None = None, **execution: Any) -> "Run":
        from cutaway.learn.fit import carried_out, reopen_training

        if not self.finished:
            refuse_member(self.path)
            carried_out(partial(reopen_training, self, images), Execution(**execution))
        return self

    def check_images(self, images: ImageSet) -> None:
        if images.fingerprint != self.data.fingerprint:
            raise RunError(
                f"The images of '{self.recipe.data}' have changed since {self.path} began, so its "
                "split no longer holds: bring the old ones back, or train again."
            )

    def feed(self, images: ImageSet, index: Tensor) -> Feed:
        """Images as this run's network takes them, in order."""
        return Feed(
            images, index, batch_size=512, normalise=self.data.normalise,
            device=self.runtime.device, memory_format=self.runtime.torch_memory_format,
            target=self.data.target,
        )  # fmt: skip

    def evaluate(self, data: Any = None, on: str = "test", why: str = "asked") -> Evaluation:
        """Evaluate the network on a part of its own data, or on other data (all of them).

        Each look is logged in `looks.jsonl`, since a test set that is looked at often ends up
        being chosen on.

        Args:
            data: other data with the same classes, or some of them, whatever `load` takes; `train`,
                `val` or `test` for a part of the run's own, which is also what None means.
            on: `test`, `val` or `train` of the run's own data.

        Raises:
            UsageError: an unknown part, an empty one, or data with other classes.
        """
        data, on = part_or_data(data, on)
        if data is None:
            images, index = self.images(), self._part(on)
        else:
            images = load_other(data, self.data, self.recipe.label)
            index, on = torch.arange(len(images)), images.name or "other data"
        with self.runtime.session():
            feed = self.feed(images, index)
            evaluation = self.task.evaluate(self.model, feed, self.data.target, self.runtime)
        self.log_look(on, why, evaluation)
        return evaluation.grouped(self.split) if data is None else evaluation

    def log_look(self, on: str, why: str, evaluation: Evaluation) -> None:
        """Write down that a held-out part was looked at."""
        when, leading = datetime.now(UTC).isoformat(timespec="seconds"), self.leading
        look: Look = {"when": when, "on": on, "why": why, "images": len(evaluation)}
        line = json.dumps({**look, leading: evaluation.summary().get(leading)})
        path = self.path / "looks.jsonl"
        with writing(path), open(path, "a") as file:
            file.write(line + "\n")

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        task = self.task if coverage is None else covering(self.task, coverage)
        familiar = Familiar.of(self.path)
        return answered(self.model, task, self.data, self.runtime, images, familiar)

    def generate(self, count: int, seed: int = 0) -> UInt8[Tensor, "n *grid c"]:
        """Images that the network draws from codes z of N(0, 1); the seed decides them.

        Raises:
            UsageError: the network draws none.
        """
        with self.runtime.session():
            return draw(self.model, self.data, self.runtime, count, seed)

    def saved_test(self) -> Evaluation:
        """The evaluation on the test set at the end of training."""
        tensors, _ = load_tensors(self.path / "predictions.safetensors")
        return self.task.recall(tensors, self.results, self.data.target).grouped(self.split)

    def _part(self, on: str) -> Tensor:
        if on not in PARTS:
            raise UsageError(f"A run has the parts train, val and test, not '{on}'.")
        index: Tensor = getattr(self.split, on)
        if not len(index):
            raise UsageError(f"{self.path} holds nothing out for '{on}': its recipe has {on} = 0.")
        return index
