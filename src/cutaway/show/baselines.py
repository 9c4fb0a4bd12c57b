"""The simple baselines of a run, beside its network."""

from collections.abc import Callable
from dataclasses import dataclass

from cutaway.learn.baselines import NAMES
from cutaway.learn.run import Run
from cutaway.show.words import MINUS, percent


@dataclass(frozen=True)
class Row:
    """One method's accuracy or R squared; `network` where it is the run's own."""

    name: str
    value: float
    said: str
    network: bool = False


@dataclass(frozen=True)
class Beside:
    """The network and each baseline on the same test images, what they do, and how that is
    measured."""

    methods: str
    measure: str
    rows: list[Row]
    training: int
    tests: int


def beside(run: Run) -> Beside | None:
    """The network and its baselines; None where none were measured."""
    found = run.baselines
    if found is None:
        return None
    counts = found["training_images"], found["test_images"]
    if "accuracy" in found:
        rows = _rows(found["accuracy"], percent)
        return Beside("classifiers", "Accuracy", rows, *counts)
    return Beside("predictors", "R²", _rows(found["r2"], _plain), *counts)


def _plain(value: float) -> str:
    """`0.706`, `−0.067`, and `0.000` for next to nothing."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", MINUS)


def _rows(values: dict[str, float], say: Callable[[float], str]) -> list[Row]:
    network = Row("this network", values["network"], say(values["network"]), True)
    simple = [
        Row(said, values[name], say(values[name])) for name, said in NAMES.items() if name in values
    ]
    return [network, *simple]
