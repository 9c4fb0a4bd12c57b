"""One stage of a training: who plays, on what images, and how far it has come."""

from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cutaway.data.feed import Feed, Mark
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.split import Split
from cutaway.data.stream_feed import StreamFeed
from cutaway.learn import checkpoint
from cutaway.learn.augmentation import augmentation_of
from cutaway.learn.checkpoint import Tensors
from cutaway.learn.decay import apply_decay
from cutaway.learn.evaluation import Evaluation, number
from cutaway.learn.frozen_features import FeatureFeed, frozen_backbone
from cutaway.learn.history import Row, best
from cutaway.learn.loop import MetricTotals, PlayerOptimizer, optimizers_of
from cutaway.learn.network import head_of
from cutaway.learn.pretrained import backbone, frozen, rest
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task
from cutaway.randomness import derive
from cutaway.together.share import WHOLE, Division

if TYPE_CHECKING:
    from cutaway.learn.run import Run

Some = tuple[Tensor, ...] | list[Tensor]


class StageFacts(TypedDict):
    """The facts of a stage in a checkpoint, beside its tensors."""

    number: int
    step: int
    rows: list[Row]
    optimizers: dict[str, object]
    images: dict[str, int]
    stream: NotRequired[Mark | None]


class Stage:
    """A recipe at work on a network; an ordinary training is one stage.

    Args:
        number: from 0; each stage draws from streams of its own.
        network: in place and on its device; trained in place.
        runtime: of the training.

    Attributes:
        network: what learns: the one that was given, or its last modules, where the features that
            those before give never change (see `frozen_features`).
        shown: the training images, in the batches of `feed`.
        feed, val: what is learned from and what is validated on: images, or their features.
        turns: batches that a step takes: as many as the player with the most turns needs.
        player_optimizers, average: made where they are first asked for, of the parameters that the
            network has then.
    """

    def __init__(
        self, number: int, recipe: Recipe, run: "Run", images: ImageSet, network: nn.Module,
        runtime: Runtime,
    ):  # fmt: skip
        self.number = number
        recipe = with_own_streams(recipe, number)
        self.recipe = recipe
        self.task = task_of(recipe, run.split, images, run.recipe.seed)
        self.free = [p for p in network.parameters() if p.requires_grad]
        head = head_of(recipe)
        rest(frozen(network.train(), recipe.freeze, head))
        self.turns = max(player.turns for player in self.task.players(network))
        division = Division(runtime.team, recipe.accumulate, self.task.single)
        self.shown = feed(recipe, run, images, turns=self.turns, division=division)
        still = frozen_backbone(recipe, self.task, network, self.shown)
        self.network = still.tail if still else network
        self.slow = backbone(network, head) if recipe.backbone_rate != 1 else ()
        self.runtime = runtime
        self.feed = FeatureFeed(self.shown, still, runtime) if still else self.shown
        val = run.feed(images, run.split.val) if len(run.split.val) else None
        self.val = FeatureFeed(val, still) if still and val else val
        self.totals = MetricTotals()
        self.rows: list[Row] = []
        self.best: Tensors = {}
        self.step = 0

    @cached_property
    def player_optimizers(self) -> list[PlayerOptimizer]:
        playing = torch.compile(self.network) if self.runtime.compile else self.network
        players = self.task.players(playing)  # type: ignore[arg-type]
        found = optimizers_of(players, self.recipe, self.runtime, self.slow)
        for player_optimizer in found:
            apply_decay(player_optimizer.optimizer, self.recipe)
        return found

    @cached_property
    def average(self) -> AveragedModel | None:
        return moving_average(self.network, self.recipe.ema) if self.recipe.ema else None

    @property
    def steps_per_epoch(self) -> int:
        batches, turns = self.feed.batches_per_epoch, self.turns
        return max(1, batches // turns) if self.recipe.drop_last else ceil(batches / turns)

    @property
    def steps(self) -> int:
        """The number of steps that the stage takes, unless it stops early."""
        return self.recipe.epochs * self.steps_per_epoch

    def images_before(self, step: int) -> int:
        """Count the images that the steps before this one, counted from 0, learn from."""
        return self.feed.images_before(self._first_batch(step))

    def _first_batch(self, step: int) -> int:
        """The number of the batch that a step begins with."""
        return step * self.turns

    def features(self, index: Int[Tensor, " m"]) -> FeatureFeed | None:
        """The features that `network` takes of these images, where they have been computed."""
        feeds = (one for one in (self.feed, self.val) if isinstance(one, FeatureFeed))
        return next(filter(None, (one.over(index) for one in feeds)), None)

    @property
    def answering(self) -> nn.Module:
        """The network that is judged: the averaged one where there is one."""
        return self.network if self.average is None else self.average.module

    @property
    def at_end_of_epoch(self) -> bool:
        return self.step % self.steps_per_epoch == 0

    def measured(self, evaluation: Evaluation) -> Row:
        """A row's figures of validation: those that say something here, and what is monitored."""
        summary, wanted = evaluation.summary(), self.recipe.monitor.replace("-", "_")
        return {
            f"val_{name}": number(summary, name)
            for name in self.task.measured()
            if name in summary and (name not in evaluation.trivial or f"val_{name}" == wanted)
        }

    def remember(self, row: Row) -> None:
        """Add an epoch's figures, and keep the network where it is the best so far."""
        self.rows.append(row)
        if self.recipe.patience and best(self.rows, self.recipe.monitor) is row:
            state = self.answering.state_dict()
            self.best = {name: value.detach().clone() for name, value in state.items()}

    @property
    def out_of_patience(self) -> bool:
        """Whether the validation has not improved for as many epochs as the recipe allows."""
        if not (self.recipe.patience and self.rows):
            return False
        since = self.rows[-1]["epoch"] - best(self.rows, self.recipe.monitor)["epoch"]
        return since >= self.recipe.patience

    @property
    def ended(self) -> bool:
        return self.step >= self.steps or self.out_of_patience

    def conclude(self) -> None:
        """Put what the stage came to into the network, all of which may learn again."""
        if self.best:
            self.network.load_state_dict(self.best)
        elif self.average is not None:
            self.network.load_state_dict(self.average.module.state_dict())
        self.release()

    def release(self) -> None:
        """Let everything learn again that did before."""
        for p in self.free:
            p.requires_grad_(True)

    def state(self) -> tuple[Tensors, StageFacts]:
        """Everything of the stage that moves, beside the network."""
        tensors: Tensors = {}
        rest: dict[str, object] = {}
        for player_optimizer in self.player_optimizers:
            moved, more = checkpoint.optimizer_state(
                player_optimizer.optimizer, optimizer_name(player_optimizer)
            )
            tensors |= moved
            rest |= more
        if self.average is not None:
            tensors |= {f"ema/{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"tally/{k}": v for k, v in self.totals.sums.items()}
        tensors |= {f"best/{k}": v for k, v in self.best.items()}
        return tensors, {
            "number": self.number, "step": self.step, "rows": self.rows, "optimizers": rest,
            "images": self.totals.images, "stream": self.feed.mark(self._first_batch(self.step)),
        }  # fmt: skip

    def layout(self) -> Tensors:
        """How what the optimizers keep of each parameter lies, by the names in `state`."""
        return {
            f"{optimizer_name(one)}/{i}": p
            for one in self.player_optimizers
            for i, p in enumerate(p for g in one.optimizer.param_groups for p in g["params"])
        }

    def restore(self, tensors: Tensors, facts: StageFacts) -> None:
        """Put back what `state` gave."""
        if self.average is not None:
            self.average.load_state_dict(part(tensors, "ema"))
        for player_optimizer in self.player_optimizers:
            checkpoint.restore_optimizer(
                player_optimizer.optimizer, optimizer_name(player_optimizer), tensors,
                facts["optimizers"],
            )  # fmt: skip
        device = next(self.network.parameters()).device
        sums: dict[str, Tensor] = {k: v.to(device) for k, v in part(tensors, "tally").items()}
        self.totals = MetricTotals(sums, facts["images"])
        self.best = part(tensors, "best")
        self.step, self.rows = facts["step"], facts["rows"]
        self.feed.expect(self._first_batch(self.step), facts.get("stream"))


def optimizer_name(player_optimizer: PlayerOptimizer) -> str:
    """What the state of its optimizer is named by in a checkpoint."""
    return f"optimizer/{player_optimizer.player.name}"


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential average of a network's weights and statistics over its steps.

    After step n, counted from 0, it keeps a share of (1 + n) / (10 + n) of what it was, and of
    `decay` once that is less: a run shorter than 1 / (1 - decay) steps would else answer about as
    it did after its first (Abadi et al. 2016, TensorFlow's ExponentialMovingAverage).
    """

    def pull(before: Some, now: Some, _: int | Tensor) -> None:
        n = int(average.n_averaged)  # kept on the processor, so that no device is waited for
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(before, now, _)

    average = AveragedModel(network, multi_avg_fn=pull, use_buffers=True)
    return average


def with_own_streams(recipe: Recipe, number: int) -> Recipe:
    """A stage's recipe, with the seed that it draws from; the first keeps that of the run."""
    return recipe.override(seed=derive(recipe.seed, "stage", number)) if number else recipe


def known_images(recipe: Recipe, parts: Split, images: ImageSet, seed: int) -> Tensor | None:
    """The training images whose class is told; None where that of all is."""
    return labelled(parts, images, recipe.labels, seed) if recipe.labels else None


def task_of(recipe: Recipe, parts: Split, images: ImageSet, seed: int) -> Task:
    """A stage's task, which knows the images that it learns from as far as it has to.

    Args:
        seed: of the run, which decides whose class is told.
    """
    known = known_images(recipe, parts, images, seed)
    learned = parts.train if known is None else known
    return make_task(recipe).fitted(images.target.fitted(images.truth, learned))


def feed(
    recipe: Recipe, run: "Run", images: ImageSet, augmented: bool = True, turns: int = 1,
    division: Division = WHOLE,
) -> Feed:  # fmt: skip
    """The training batches of a stage; the images as they are, where not augmented.

    Args:
        turns: batches that a step takes.
        division: how processes divide each batch among them.
    """
    known = known_images(recipe, run.split, images, run.recipe.seed)
    mixed = make_task(recipe).partly
    common: dict[str, Any] = {
        "batch_size": recipe.batch_size, "normalise": run.data.normalise, "seed": recipe.seed,
        "augment": augmentation_of(recipe, images.size, run.augment) if augmented else None,
        "device": run.runtime.device, "memory_format": run.runtime.torch_memory_format,
        "target": run.data.target, "division": division,
    }  # fmt: skip
    if images.tail is not None:
        batches = turns * recipe.steps // recipe.epochs
        return StreamFeed(images, run.split.train, batches_per_epoch=batches, **common)
    return Feed(
        images, run.split.train if known is None or mixed else known,
        labelled=known if mixed else None, repeat=recipe.repeat, turns=turns,
        balanced=recipe.sampling == "balanced", drop_last=recipe.drop_last, **common,
    )  # fmt: skip


def part(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin with `prefix/`, without it."""
    start = len(prefix) + 1
    return {k[start:]: v for k, v in tensors.items() if k.startswith(prefix + "/")}
