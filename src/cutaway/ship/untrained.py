"""An untrained network as a run, to try formats on every network of the registry."""

from pathlib import Path
from typing import Any

import torch

from cutaway import models
from cutaway.data.target import Classes
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.randomness import reseed_global


class UntrainedRun(Run):
    """A run without a directory.

    Args:
        name: of a registered model.
        size: of its images; that of its source unless told.

    Raises:
        UsageError: an unknown model, or a size that it cannot take.
    """

    def __init__(self, name: str, size: models.Size = ()):
        about = models.find(name)
        channels, classes, example = about.example
        shape = size or ((example, example) if isinstance(example, int) else example)
        self.path = Path(name)
        self.recipe = Recipe(model=name, task=about.task)
        self.data = DataCard(
            "made-up examples", Classes(tuple(map(str, range(classes)))), channels, shape,
            (0.5,) * channels, (0.25,) * channels, fingerprint="", licence="", counts={},
        )  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            reseed_global(0, "weights")
            self.model = models.build(name, channels, classes, shape).eval()

    @property
    def results(self) -> dict[str, Any]:
        return {}
