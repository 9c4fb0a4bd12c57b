"""Runs that end before their time, and what must be the same once they have gone on."""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from cutaway.learn.callbacks import Callback
from cutaway.learn.training import Training

RESULTS = (
    "metrics.jsonl", "steps.jsonl", "weights.safetensors", "predictions.safetensors", "results.json"
)  # fmt: skip
TUNED = "tuned.json"


def contents(path: Path) -> dict[str, str]:
    """Digests of all that a run found; of what was tuned only where something was."""
    names = (*RESULTS, TUNED) if (path / TUNED).exists() else RESULTS
    return {name: digest(path / name) for name in names}


def digest(file: Path) -> str:
    """The digest of a file, for tests that compare: of the bytes themselves pytest would look for
    the differences, line by line, for hours."""
    return blake2b(file.read_bytes()).hexdigest()


class At(Callback):
    """Does something after a step, such as ending it all."""

    def __init__(self, step: int, act: Callable[[], None]):
        self.at, self.act = step, act

    def on_step_end(self, training: Training) -> None:
        if training.step == self.at:
            self.act()
