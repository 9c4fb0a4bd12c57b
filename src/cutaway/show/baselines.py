"""The simple baselines of a run, beside its network."""

from dataclasses import dataclass

from cutaway.learn.baselines import NAMES
from cutaway.learn.run import Run


@dataclass(frozen=True)
class Row:
    """One classifier's accuracy; `network` where it is the run's own."""

    name: str
    accuracy: float
    network: bool = False


def rows(run: Run) -> list[Row]:
    """The network and each baseline, on the same test images; none where none were measured."""
    found = run.baselines
    if found is None:
        return []
    accuracy = found["accuracy"]
    simple = [Row(said, accuracy[name]) for name, said in NAMES.items()]
    return [Row("this network", accuracy["network"], True), *simple]
