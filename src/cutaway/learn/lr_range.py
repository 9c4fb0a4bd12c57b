"""The learning-rate range test: the loss of each step while the rate grows from tiny to too high.

Source: Smith 2017, 'Cyclical learning rates for training neural networks', section 3.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from cutaway.data.split import Split
from cutaway.errors import UsageError
from cutaway.learn import optim
from cutaway.learn.loop import MetricTotals, NotFinite, take_step
from cutaway.learn.network import prepare
from cutaway.learn.optim.registry import normalised
from cutaway.learn.options import OPTIMIZERS
from cutaway.learn.recipe import AUTO_RATE, Recipe
from cutaway.learn.regularise import regularised
from cutaway.learn.tasks import make_task
from cutaway.learn.training import Training

SWEEPS, STEPS = 3, 100
LOW, HIGH = 1e-6, 10.0
"""The first and the last rate of a sweep, unless it diverges before."""
FIRST = 10
"""Steps at rates so low that nothing is learned: their losses tell where learning begins."""
SMOOTH = 2.5
"""Standard deviation, in steps, of the Gaussian that smooths the losses; it has no lag."""
DIVERGED, ENDED = 1.0, 3.0
"""Rises, as shares of the first losses, above which all are alike, and above which a sweep ends."""
NOISE = 3.0
"""A fall of the smoothed loss by less than so many standard deviations of a step's is none."""
REACHED, TIMES = 0.75, 2.0
"""What a sweep suggests: so many times the rate at which so much of its fall is done."""
APART = 10.0
"""Sweeps whose suggestions differ by more than this factor do not agree."""
FEWEST = 20
"""Training images that a test needs."""


@dataclass(frozen=True)
class Sweep:
    """The loss of each step, before the network moved at its rate.

    Attributes:
        rates, losses: of each step, up to the one that diverged.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def start(self) -> float:
        """The loss before anything is learned."""
        return float(np.mean(self.losses[:FIRST]))

    @cached_property
    def smoothed(self) -> Float[np.ndarray, " steps"]:
        """The losses without most of their noise, none of them above divergence."""
        from scipy.ndimage import gaussian_filter1d  # type: ignore[import-untyped]

        clipped = np.minimum(self.losses, self.start + DIVERGED * abs(self.start))
        smoothed: Float[np.ndarray, " steps"] = gaussian_filter1d(clipped, SMOOTH, mode="nearest")
        return smoothed

    @property
    def noise(self) -> float:
        """Standard deviation of a step's loss, from the median difference of neighbours.

        The median, so that the steps at which it falls or diverges count for little.
        """
        return float(1.4826 * np.median(np.abs(np.diff(self.losses))) / 2**0.5)

    @property
    def fall(self) -> float:
        """How far the smoothed loss falls."""
        return self.start - float(self.smoothed.min())

    def reached(self, share: float) -> int:
        """The first step at which the smoothed loss has fallen by a share of its whole fall."""
        return int((self.smoothed <= self.start - share * self.fall).argmax())

    @property
    def suggestion(self) -> float | None:
        """`TIMES` the rate at which `REACHED` of the fall is done; None for a fall within noise.

        A rate that trains for long can be higher than the one at which a sweep of few steps has
        learned most of what it learns. Of the rules that came nearest to the best of a grid this
        varies least from sweep to sweep (docs/learning-rates.md).
        """
        if not self.fall > NOISE * self.noise:
            return None
        return TIMES * self.rates[self.reached(REACHED)]


@dataclass(frozen=True)
class RangeTest:
    """Several sweeps of a recipe, and what they suggest.

    Attributes:
        recipe: with the learning rate that it has without them.
    """

    recipe: Recipe
    sweeps: tuple[Sweep, ...]

    @property
    def before(self) -> float:
        """The learning rate that the recipe has, of several stages the first."""
        return self.recipe.in_stages()[0].lr

    @property
    def suggestions(self) -> list[float]:
        """Of those sweeps that say something, in order of size."""
        return sorted(one.suggestion for one in self.sweeps if one.suggestion is not None)

    @property
    def problem(self) -> str:
        """The reason why nothing is suggested; empty where something is."""
        found = self.suggestions
        if 2 * len(found) <= len(self.sweeps):
            return (
                f"in {len(self.sweeps) - len(found)} of {len(self.sweeps)} sweeps the loss falls "
                "by no more than its noise"
            )
        if found[-1] > APART * found[0]:
            return f"the sweeps do not agree: they suggest {found[0]:.2g} to {found[-1]:.2g}"
        return ""

    @property
    def suggestion(self) -> float | None:
        """The geometric mean of the sweeps' suggestions, to two digits; None without a reason."""
        return None if self.problem else float(f"{np.exp(np.log(self.suggestions).mean()):.2g}")

    @property
    def rate(self) -> float:
        """What is suggested; where nothing is, what the recipe has."""
        return self.before if self.suggestion is None else self.suggestion

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest suggestion of a sweep; only where there is one."""
        return self.suggestions[0], self.suggestions[-1]

    @property
    def sentence(self) -> str:
        """In words."""
        if self.problem:
            return (
                f"The range test suggests no learning rate ({self.problem}): {self.rate:g} stays."
            )
        low, high = self.span
        return (
            f"The range test suggests a learning rate of {self.rate:g} ({low:.2g} to {high:.2g} in "
            f"{len(self.suggestions)} sweeps with other weights and orders)."
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {
            "suggestion": self.suggestion, "span": self.span if self.suggestion else None,
            "problem": self.problem, "recipe": self.before,
            "sweeps": [{"rates": one.rates, "losses": one.losses} for one in self.sweeps],
        }  # fmt: skip


def expect_rate(recipe: Recipe) -> Recipe:
    """The first stage of a recipe, with a learning rate in place of `auto`: the optimizer's usual.

    Raises:
        UsageError: it has no learning rate that could be tested.
    """
    auto, first = recipe.lr == AUTO_RATE, recipe.in_stages()[0]
    if auto and any("lr" in stage for stage in recipe.stages):
        raise UsageError(
            "The recipe's stages have learning rates of their own, which --lr auto does not "
            "change: leave it out, or take the rates out of the stages."
        )
    if optim.find(first.optimizer).trials:
        raise UsageError(
            f"The optimizer '{first.optimizer}' finds the length of a step by trial, so that there "
            "is no learning rate to test: keep the one it has."
        )
    if not make_task(first).has_gradient:
        raise UsageError(
            f"The task '{first.task}' learns by a rule and not by gradients, so that a range test "
            "says nothing: give --lr a number."
        )
    return recipe.override(lr=_usual(recipe.optimizer)) if auto else recipe


def _usual(optimizer: str) -> float:
    known = {normalised(name): settings.get("lr") for name, settings in OPTIMIZERS.items()}
    return float(str(known.get(normalised(optimizer)) or Recipe().lr))


def expect_enough(recipe: Recipe, parts: Split) -> None:
    """Refuse images too few for a loss that could be compared. Raises UsageError."""
    if len(parts.train) < FEWEST and not make_task(recipe.in_stages()[0]).single:
        raise UsageError(
            f"A range test needs {FEWEST} training images, and there are {len(parts.train)}: "
            "give --lr a number."
        )


def sweep(training: Training) -> Sweep:
    """Take the steps of a sweep with a training that has not begun; its network is used up.

    Raises:
        UsageError: several players, or a loss that is not finite from the beginning.
    """
    stage = training.stage
    if len(stage.player_optimizers) > 1:
        raise UsageError(
            f"The players of the task '{stage.recipe.task}' learn against each other, so that a "
            "loss that falls says nothing of a learning rate: give --lr a number."
        )
    rates = np.geomspace(LOW, HIGH, STEPS).tolist()
    with training.runtime.session(), regularised(training.model, stage.recipe):
        prepare(training.run, training.model, stage.task, stage.feed)
        losses = list(_losses(training, rates))
    if len(losses) < FIRST:
        raise UsageError("The loss is not finite even at the lowest learning rate.")
    return Sweep(tuple(rates[: len(losses)]), tuple(losses))


def _losses(training: Training, rates: list[float]) -> Iterator[float]:
    """The losses until one diverges, which is left out."""
    stage, first = training.stage, list[float]()
    for step, rate in enumerate(rates):
        totals = MetricTotals()
        try:
            share = rate / stage.recipe.lr
            take_step(stage.player_optimizers, stage.feed, totals, step, share)
        except NotFinite:
            return
        loss = totals.means()["loss"]
        first = [*first, loss][:FIRST]
        start = float(np.mean(first))
        if not loss <= start + ENDED * abs(start):
            return
        yield loss
