"""About how long a recipe takes on this computer, and how many of its epochs a budget allows.

A few steps of each stage are measured, nothing is learned. What a recipe gives is decided by the
recipe: a budget is written into it as a number of epochs.
"""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from cutaway.data.augment import Augment, OwnAugment
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn import runtime as runtimes
from cutaway.learn.augmentation import augmentation_of
from cutaway.learn.check_fit import check_fit
from cutaway.learn.frozen_features import FeatureFeed, frozen_backbone
from cutaway.learn.loop import MetricTotals, optimizers_of, training_steps
from cutaway.learn.network import head_of, initial_network
from cutaway.learn.pretrained import frozen, rest
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.runtime import Runtime
from cutaway.learn.tasks import make_task
from cutaway.see.probe import resting

STEPS = 3
"""Steps that are measured, after a first one that sets things up."""
FEWEST = 8
"""Images below which there is nothing to measure."""
SPARE = 0.9
"""Share of a budget that is planned with: measurements on a busy computer differ."""
UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}


@dataclass(frozen=True)
class Duration:
    """Seconds of a recipe.

    Attributes:
        once: what does not depend on the epochs: features that are computed once, the test.
        epoch: an epoch of each stage.
    """

    once: float
    epoch: tuple[float, ...]

    def seconds(self, epochs: Sequence[int]) -> float:
        return self.once + sum(n * each for n, each in zip(epochs, self.epoch, strict=True))


def read_time(text: str) -> float:
    """Seconds: `90s`, `10m`, `1.5h` or a number of them; no end without text. Raises UsageError."""
    if not text:
        return math.inf
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", str(text))
    if not found or not float(found[1]):
        raise UsageError(f"--time takes a time such as 90s, 10m or 1.5h, not '{text}'.")
    return float(found[1]) * UNITS[found[2] or "s"]


def told(seconds: float) -> str:
    """`8 s`, `50 s`, `4 min`, `1.5 h`: as exact as an estimate is."""
    if seconds < 60:
        return f"{max(1, round(seconds, -1 if seconds > 20 else None)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def with_time(
    recipe: Recipe, images: ImageSet, budget: float, own: OwnAugment | None = None
) -> tuple[Recipe, str]:
    """The recipe, with as many epochs as a budget in seconds allows; about how long it takes.

    Args:
        own: an augmentation of the user's own.

    Raises:
        UsageError: not even one epoch fits, there are none, or the network is the user's own.
    """
    if images.tail is not None:
        raise UsageError("--time counts epochs, and a stream has none: give fewer steps instead.")
    if recipe.model.startswith(OWN):
        raise UsageError("--time is for networks of `cutaway models`: give --epochs instead.")
    if len(images) < FEWEST:
        return recipe, ""
    duration = measure(recipe, images, own)
    shorter = fitted(recipe, duration, budget)
    planned, left = ([one.epochs for one in r.in_stages()] for r in (recipe, shorter))
    cut = f", with {left[-1]} epochs instead of {planned[-1]} (--time)" if left != planned else ""
    what = "The training of each takes" if recipe.several else "Training takes"
    return shorter, f"{what} about {told(duration.seconds(left))} here{cut}."


def fitted(recipe: Recipe, duration: Duration, budget: float) -> Recipe:
    """The recipe with as many of its last stage's epochs as a budget in seconds allows.

    Raises:
        UsageError: not even one fits.
    """
    epochs = [stage.epochs for stage in recipe.in_stages()]
    least = duration.seconds([*epochs[:-1], 1])
    if least > SPARE * budget:
        raise UsageError(
            f"A training with one epoch takes about {told(least / SPARE)} here, more than the "
            f"{told(budget)} of --time: give more, a smaller --image-size, or --quality fast."
        )
    left = SPARE * budget - least
    if left >= (epochs[-1] - 1) * duration.epoch[-1]:
        return recipe
    count = 1 + int(left / duration.epoch[-1])
    if not recipe.stages:
        return recipe.override(epochs=count)
    return recipe.override(stages=[*recipe.stages[:-1], recipe.stages[-1] | {"epochs": count}])


def measure(recipe: Recipe, images: ImageSet, own: OwnAugment | None = None) -> Duration:
    """Measure a few steps of each stage, with a network that is thrown away.

    Raises UsageError where recipe and images do not fit together.
    """
    with torch.random.fork_rng(devices=[]):
        network = initial_network(recipe, images.channels, images.target.outputs, images.size)
        check_fit(network, images, recipe, own)
        runtime = runtimes.choose(recipe, network)
        network = runtime.place(network)
        train, val, test = _counts(recipe, images)
        once, epochs = 0.0, []
        with runtime.session():
            answer = _answering(recipe, network, images, runtime)
            for stage in recipe.in_stages():
                step, kept = _learning(stage, network, images, runtime, own)
                shown = min(train, stage.labels or train) * stage.repeat
                epochs.append(math.ceil(shown / stage.batch_size) * step)
                if kept:
                    once += answer * (train + val)
                else:
                    epochs[-1] += answer * val
    return Duration(once + answer * test, tuple(epochs))


def _counts(recipe: Recipe, images: ImageSet) -> tuple[float, float, float]:
    """About how many images are for training, validation and testing."""
    count = len(images)
    test, val = recipe.test * count, recipe.val * count
    if images.parts is not None:
        test, val = (
            ((images.parts == k).sum().item() or share) for k, share in ((2, test), (1, val))
        )
    return count - test - val, val, test


def _feed(
    recipe: Recipe, images: ImageSet, runtime: Runtime, augment: Augment | OwnAugment | None = None
) -> Feed:
    """As many images as are needed."""
    some = torch.arange(min(len(images), (1 + STEPS) * recipe.batch_size))
    middle = (0.5,) * images.channels
    return Feed(
        images, some, batch_size=recipe.batch_size, normalise=Normalise(middle, middle),
        augment=augment, device=runtime.device,
        memory_format=runtime.torch_memory_format,
        target=images.target.fitted(images.truth, some),
    )  # fmt: skip


def _answering(recipe: Recipe, network: nn.Module, images: ImageSet, runtime: Runtime) -> float:
    """Seconds of the answer for an image; none where the network answers something else."""
    if make_task(recipe.in_stages()[-1]).takes != "images":
        return 0.0
    feed = _feed(recipe, images, runtime)
    batch = feed.of(feed.index[: feed.batch_size])
    with torch.no_grad(), resting(network):
        return _seconds(lambda: network(batch.x), runtime) / len(batch)


def _learning(
    recipe: Recipe, network: nn.Module, images: ImageSet, runtime: Runtime, own: OwnAugment | None
) -> tuple[float, bool]:
    """Seconds of a step of a stage, and whether it learns from features that are computed once."""
    recipe, task = recipe.override(lr=1e-9), make_task(recipe)
    free = [p for p in network.parameters() if p.requires_grad]
    rest(frozen(network.train(), recipe.freeze, head_of(recipe)))
    feed = _feed(recipe, images, runtime, augmentation_of(recipe, images.size, own))
    still = frozen_backbone(recipe, task, network, feed)
    players = task.players(still.tail if still else network)
    supply = FeatureFeed(feed, still, runtime) if still else feed
    steps = training_steps(
        optimizers_of(players, recipe, runtime), supply, MetricTotals(), 0, 1 + STEPS
    )
    seconds = _seconds(lambda: next(steps), runtime)
    for p in free:
        p.requires_grad_(True)
    return seconds, still is not None


def _seconds(work: Callable[[], object], runtime: Runtime) -> float:
    """Mean seconds of some work, the first time left out."""
    work()
    _wait(runtime)
    started = time.monotonic()
    for _ in range(STEPS):
        work()
    _wait(runtime)
    return (time.monotonic() - started) / STEPS


def _wait(runtime: Runtime) -> None:
    if not runtime.sync_is_free:
        torch.accelerator.synchronize()
