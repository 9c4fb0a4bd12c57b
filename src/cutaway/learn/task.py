"""The base of all tasks: what outputs mean, who minimises what, and how it is evaluated.

A task names its players. Ordinary learning is a game with one player; a generative adversarial
network is a game with two. The loop in `learn/loop.py` plays every game. Everything that depends
on the task asks the task: each is a file of `learn/tasks`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target
from cutaway.errors import RunError, UsageError
from cutaway.learn.evaluation import Evaluation, Measurements, Summary, number
from cutaway.learn.metrics import LOSS, Metric, metric_of, unknown
from cutaway.learn.prediction import Prediction
from cutaway.learn.runtime import Runtime
from cutaway.randomness import generator, reseed_global
from cutaway.see.probe import resting
from cutaway.settings import Options, as_tuples

Counts = dict[str, Tensor]
Loss = Callable[[Batch], tuple[Tensor, Counts]]


@dataclass(frozen=True)
class Player:
    """One who learns: the parameters that it owns and the loss that it minimises.

    Attributes:
        loss: gives the mean loss over a batch, and counts to add up over an epoch (each is
            divided by the number of images in the metrics).
        turns: batches that it learns from, an optimizer step each, before the next player moves.
        rate: share of the recipe's learning rate that it moves with.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Loss
    turns: int = 1
    rate: float = 1.0


class Task:
    """The meaning of outputs, the losses and the metrics. Each task is a subclass.

    Attributes:
        metrics: what it measures, in the order in which it is drawn and told.
        primary: the metric that a run is known by, where `leading` has no reason for another.
        compared: the metric that runs are compared by; by default the one they are known by.
        players_said: what is said below the losses of its players.
        needs: the kind of target that it learns from; None where it takes any.
        classifies: whether it tells whole examples apart by their class.
        partly: whether it learns from images whose class is not told, too.
        single: whether it fits one example.
        takes: what its network is called with: `images`, `codes` or `places`.
        exports: the parts of a network that can be exported, the usual one first: `answer`
            (what is told of examples), `reconstruct`, `generate` (from codes) or `paint`.
        serves: whether its answers are plain values, which a server can give.
        scaling: how pixels reach the network: `standard` (mean 0, spread 1), `unit` (0..1) or
            `symmetric` (-1..1).
        has_gradient: whether its players follow gradients of what they minimise.
        begins: what a recipe of it begins with, whatever the data.
        pooled: the error of an ensemble (`Pooled.error_of`), where the answers of several networks
            have a mean; None where they have none.
        page: the module of `show.pages` that tells its results.
        tuned: keyword-only fields whose values `tune` finds once a network has learned.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (LOSS,)
    primary: ClassVar[str] = "loss"
    compared: ClassVar[str] = ""
    players_said: ClassVar[str] = ""
    needs: ClassVar[type[Target] | None] = None
    classifies: ClassVar[bool] = False
    partly: ClassVar[bool] = False
    single: ClassVar[bool] = False
    takes: ClassVar[str] = "images"
    exports: ClassVar[tuple[str, ...]] = ("answer",)
    serves: ClassVar[bool] = False
    scaling: ClassVar[str] = "standard"
    has_gradient: ClassVar[bool] = True
    begins: ClassVar[Options] = {}
    pooled: ClassVar[Metric | None] = None
    page: ClassVar[str] = "generic"
    tuned: ClassVar[tuple[str, ...]] = ()

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        """The players, in the order in which they move."""
        raise NotImplementedError

    def fitted(self, target: Target) -> "Task":
        """The same task, with what its losses have to know of the training examples."""
        return self

    def leading(self, target: Target) -> str:
        """The metric that a run on such a target is known by."""
        return self.primary

    def comparing(self, target: Target) -> Metric:
        """The metric that runs on such a target are compared by."""
        return self.metric(self.compared or self.leading(target))

    @property
    def takes_features(self) -> bool:
        """Whether it asks a network for nothing but its output for each image as it is, so that the
        last modules of a network do, called with the features that those before them give."""
        return False

    def refuse_other(self, target: Target) -> None:
        """Refuse targets of another kind than this task learns from. Raises UsageError."""
        if self.needs and not isinstance(target, self.needs):
            raise UsageError(
                f"The task '{self.name()}' needs {self.needs.requirement}, and these "
                f"{target.description}: {self.needs.advice}; or choose another task "
                "(see `cutaway models`)."
            )

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        """Try a small batch, and refuse a network that this task cannot read, by a UsageError that
        says what it gives and what is needed."""
        raise NotImplementedError

    def begin(self, model: nn.Module, batch: Batch) -> None:
        """Show the first batch to a network that needs one before it learns."""

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Evaluation:
        """Measure how good the network is on the images of a feed."""
        raise NotImplementedError

    def recall(self, tensors: dict[str, Tensor], summary: Summary, target: Target) -> Evaluation:
        """The evaluation whose tensors and summary were kept."""
        metrics = {name: value for name, value in summary.items() if name != "images"}
        return Measurements(int(number(summary, "images")), metrics, tensors)

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        """What a network that has learned takes from its validation images: values of `tuned`.

        Plain values, for JSON; those that are left out stay as they are.

        Args:
            evaluation: on the validation images, by the task with nothing tuned yet.
        """
        return {}

    def with_tuned(self, values: Mapping[str, Any]) -> "Task":
        """The task with what was tuned, as JSON gave it back.

        Raises:
            RunError: it has no such field.
        """
        if strangers := [name for name in values if name not in self.tuned]:
            raise RunError(
                f"Of this network '{strangers[0]}' was tuned, which the task '{self.name()}' does "
                "not know: it was trained by a newer Cutaway, or a file of it is damaged."
            )
        if not values:
            return self
        fields = {name: as_tuples(value) for name, value in values.items()}
        return replace(self, **fields)  # type: ignore[type-var]

    def picture(
        self, model: nn.Module, batch: Batch, runtime: Runtime
    ) -> Float[Tensor, "n c *grid"] | None:
        """Draw what the network makes of some images (or of itself), for a look while it learns.

        Values in 0..1; None where there is nothing to look at.
        """
        return None

    def answering(self, model: nn.Module) -> nn.Module:
        """The part of a network that answers questions about examples."""
        return model

    def answer(self, output: Float[Tensor, "b *any"], target: Target) -> Float[Tensor, "b *any"]:
        """Turn the network's output into an answer: probabilities, or values."""
        return output.float()

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> Prediction:
        """The prediction for one example; without an answer, why there is none.

        Raises:
            UsageError: its networks tell nothing of examples.
        """
        raise UsageError(
            "This network makes no predictions for images: `cutaway generate` generates images "
            "with it, or `cutaway evaluate` measures it."
        )

    def reply(self, answer: Float[np.ndarray, " *any"], target: Target) -> Mapping[str, object]:
        """A server's reply for one example, where it `serves`: plain values, for JSON."""
        raise NotImplementedError

    def quality(
        self, answers: Float[Tensor, "n *any"], truth: Shaped[Tensor, "n *any"], target: Target
    ) -> dict[str, float]:
        """The figures that an export may not lose: of answers beside the truth."""
        return {}

    def output_of(self, answer: Float[Tensor, "b *any"], target: Target) -> Float[Tensor, "b *any"]:
        """The output that has this answer, where its answers have a mean (`pooled`)."""
        return answer

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        """A batch with targets that are made up, to try a network."""
        return Batch(x, torch.arange(len(x)) % classes, torch.arange(len(x)))

    def inputs(self, channels: int, grid: tuple[int, ...], count: int, seed: int) -> Tensor:
        """Noise as a network would take it."""
        count, draw = 1 if self.single else count, generator(seed, "images")
        if self.scaling == "standard":
            return torch.randn(count, channels, *grid, generator=draw)
        x = torch.rand(count, channels, *grid, generator=draw)
        return 2 * x - 1 if self.scaling == "symmetric" else x

    @classmethod
    def name(cls) -> str:
        """Its name in recipes: that of its file."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")

    @classmethod
    def measured(cls) -> tuple[str, ...]:
        """The metrics of each epoch."""
        return tuple(one.name for one in cls.metrics if one.each_epoch)

    @classmethod
    def metric(cls, key: str) -> Metric:
        """The metric that a key such as `val_loss` is a value of."""
        return metric_of(cls.metrics, key) or unknown(key)

    @classmethod
    def predicts(cls) -> bool:
        """Whether its networks tell something of examples."""
        return "answer" in cls.exports

    @classmethod
    def draws(cls) -> bool:
        """Whether its networks make images from codes."""
        return "generate" in cls.exports


class Turn(nn.Module):
    """The loss of a player, by its number, as a module of images and targets: it can be traced, or
    mapped over the parameters of many networks."""

    def __init__(self, network: nn.Module, task: Task, index: int = 0):
        super().__init__()
        self.network = network
        self.loss = task.players(network)[index].loss

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Counts]:
        return self.loss(Batch(x, t, torch.arange(len(x), device=x.device)))


@contextmanager
def at_rest(model: nn.Module, runtime: Runtime, seed: int = 0) -> Iterator[None]:
    """The network as it answers: no dropout, no gradients, draws that depend on `seed` alone.

    In float32, whatever it learned in: exports and those who load the weights compute so, and what
    is evaluated has to be the same.
    """
    devices = [runtime.device] if runtime.device.startswith("cuda") else []
    quiet = torch.no_grad if runtime.sharded else torch.inference_mode  # what is gathered learns on
    with resting(model), torch.random.fork_rng(devices), quiet():
        reseed_global(seed, "judge")
        yield


def needs(model: nn.Module, what: str, *names: str) -> None:
    """Refuse a network that lacks what a task asks for."""
    lacking = [name for name in names if not hasattr(model, name)]
    if lacking:
        raise UsageError(
            f"{what} needs a network with {', '.join(names)}, and this one has no "
            f"{lacking[0]}: `cutaway models` shows what each network is for."
        )


def expect(output: object, shape: tuple[int, ...], what: str) -> None:
    """Refuse an output of another shape; -1 stands for any size."""
    actual = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    fits = isinstance(output, Tensor) and output.ndim == len(shape)
    if not fits or any(b not in (-1, a) for a, b in zip(actual, shape, strict=True)):
        wanted = ", ".join("any" if n == -1 else str(n) for n in shape)
        raise UsageError(
            f"The network's output is {actual}, but {what} needs a tensor of shape ({wanted}) for "
            f"{shape[0]} images: change its last layer."
        )
