"""Metrics: what a figure is called, how it is written and drawn, and which way is better."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor

Kept = dict[str, Tensor]
"""The tensors that an evaluation keeps."""
Means = Float[np.ndarray, "..."]
LOWER, HIGHER = "Lower is better.", "Higher is better."


def _as_it_is(mean: Means) -> Means:
    return mean


@dataclass(frozen=True)
class Metric:
    """One figure that a task measures.

    Attributes:
        name: its key in results, rows and `--monitor val-NAME`.
        label: in a sentence or a table; by default its name.
        title: over its chart; by default its label.
        axis: beside its axis, with the unit; by default its label.
        unit: `%` for shares between 0 and 1, which are written in per cent; dB, nats, or nothing.
        higher: whether more is better.
        caption: what is said below its chart.
        begins: how its axis runs: `zero`, from there (by ratios where the values span many);
            `own`, about the values alone.
        level: a value worth a line of its own, and what it is called.
        each_epoch: whether it is measured on the validation images at the end of each epoch.
        each: its share in each example, from what an evaluation keeps; None where it has none.
        pooled: the figure that follows from the mean of those shares.
        binary: whether each example's share is 0 or 1.
        of_examples: what the figure of `pooled` is called, where it is another than the run's own.
        parts: results that add up to the figure, where it is not one of them itself.
    """

    name: str
    label: str = ""
    title: str = ""
    axis: str = ""
    unit: str = ""
    higher: bool = False
    caption: str = ""
    begins: Literal["zero", "own"] = "zero"
    level: tuple[float, str] | None = None
    each_epoch: bool = True
    each: Callable[[Kept], Tensor] | None = None
    pooled: Callable[[Means], Means] = _as_it_is
    binary: bool = False
    of_examples: str = ""
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        label = self.label or self.name.replace("_", " ")
        title = self.title or label[:1].upper() + label[1:]
        for name, value in {"label": label, "title": title, "axis": self.axis or label}.items():
            object.__setattr__(self, name, value)

    @property
    def share(self) -> bool:
        """Whether its values lie between 0 and 1."""
        return self.unit == "%"

    @property
    def sign(self) -> int:
        """1 where a higher value is better, else -1."""
        return 1 if self.higher else -1

    def of(self, summary: Mapping[str, object]) -> float | None:
        """The figure of a run; None where its results lack it."""
        values = [summary.get(name) for name in self.parts or (self.name,)]
        known = [float(value) for value in values if isinstance(value, int | float)]
        return sum(known) if len(known) == len(values) else None


def metric_of(metrics: Iterable[Metric], key: str) -> Metric | None:
    """The metric that a key such as `val_loss` or `train_generator_accuracy` is a value of.

    Of several the one with the longest name: `train_discriminator_accuracy` is the discriminator's.
    """
    matching = [one for one in metrics if key == one.name or key.endswith(f"_{one.name}")]
    return max(matching, key=lambda one: len(one.name), default=None)


def metric_called(metrics: Iterable[Metric], name: str) -> Metric:
    """The metric of this very name; `unknown` where there is none."""
    return next((one for one in metrics if one.name == name), None) or unknown(name)


def unknown(key: str) -> Metric:
    """A metric of which nothing but the name is known."""
    return Metric(key, begins="own", higher=False)


LOSS = Metric("loss", caption=LOWER)
ERROR = Metric("error", axis="error (%)", unit="%", caption=LOWER, each_epoch=False)
RATE = Metric("lr", "learning rate", each_epoch=False)


def loss(unit: str) -> Metric:
    """The loss of a task, in a unit."""
    return replace(LOSS, axis=f"loss ({unit})")
