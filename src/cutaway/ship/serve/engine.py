"""Engines: networks that are ready to answer, whatever they run on."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from cutaway.arithmetic import exact
from cutaway.data.feed import to_float
from cutaway.errors import UsageError
from cutaway.learn.fleet import Fleet
from cutaway.learn.run import Run
from cutaway.learn.runtime import computing
from cutaway.processes import cpus
from cutaway.ship.about import About
from cutaway.ship.exported_model import ExportedModel

RULE = "only what does is served"


@runtime_checkable
class Engine(Protocol):
    """A network that tells classes or values, called by one thread at a time.

    Attributes:
        name: what it runs on.
    """

    @property
    def about(self) -> About: ...

    @property
    def name(self) -> str: ...

    def answer(self, pixels: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]:
        """The probability of each class, or each value, of each picture of the network's size."""


def threads() -> int:
    """Number of threads for the network: all cores but one, which is for the requests."""
    return max(1, cpus() - 1)


class TorchEngine:
    """A run's network, or a fleet's as one, by PyTorch.

    Raises:
        UsageError: it tells no classes or values of pictures.
        RunError: it has not ended.
    """

    name = "PyTorch"

    def __init__(self, trained: Run | Fleet):
        run = trained.members[0]
        _check(trained.path, run)
        self.about = About.of(run, "answer", resizes=False)
        self._model: nn.Module = run.task.answering(trained.model)
        self._model.requires_grad_(False)
        self._device, self._normalise, self._task = run.runtime.device, run.data.normalise, run.task
        self._threads = threads()

    def answer(self, pixels: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]:
        x = self._normalise(to_float(torch.from_numpy(pixels).to(self._device)))
        with computing(self._threads), torch.inference_mode(), exact():
            outputs = self._task.answer(self._model(x), self.about.target)
        return outputs.cpu().numpy()


class ExportedEngine:
    """An exported network, by what its format runs on.

    Raises:
        UsageError: it tells no classes or values of pictures.
    """

    def __init__(self, opened: ExportedModel, name: str):
        self.about, self.name, self._answer = opened.about, name, opened.answer
        tells = self.about.task_kind().serves and self.about.part == "answer"
        if not tells or len(self.about.size) != 2:
            raise UsageError(f"{opened.path} predicts no classes or values of pictures: {RULE}.")

    def answer(self, pixels: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]:
        return self._answer(pixels)


def _check(path: Path, run: Run) -> None:
    if not run.task.serves:
        raise UsageError(
            f"{path} predicts no classes or values of pictures: {RULE}. `cutaway generate` "
            "generates images with it, or `cutaway evaluate` measures it."
        )
    if len(run.data.size) != 2:
        raise UsageError(f"{path} was trained on signals or videos: only pictures are served.")
