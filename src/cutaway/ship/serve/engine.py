"""What answers: a network with all that it needs to be asked, whatever it runs on."""

import os
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from cutaway.data.feed import to_float
from cutaway.errors import UsageError
from cutaway.learn.fleet import Fleet, opened
from cutaway.learn.run import Run
from cutaway.learn.tasks.classify import Classify
from cutaway.ship.about import About


@runtime_checkable
class Engine(Protocol):
    """A network that tells classes, called by one thread at a time.

    Attributes:
        name: what it runs on.
    """

    @property
    def about(self) -> About: ...

    @property
    def name(self) -> str: ...

    def answer(self, pixels: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]:
        """The probability of each class for each picture of the network's size."""


class TorchEngine:
    """A run's network, or a fleet's as one, by PyTorch.

    Raises:
        UsageError: it does not tell the classes of pictures.
        RunError: it has not ended.
    """

    name = "PyTorch"

    def __init__(self, trained: Run | Fleet):
        run = trained if isinstance(trained, Run) else trained.members[0]
        _check(trained.path, run)
        self.about = About.of(run, "answer", resizes=False)
        self._model: nn.Module = trained.model if isinstance(trained, Run) else trained.committee
        self._model.requires_grad_(False)
        self._machine, self._normalise, self._task = run.machine, run.data.normalise, run.task
        self._threads = threads()

    def answer(self, pixels: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]:
        if torch.get_num_threads() != self._threads:  # each thread has a number of its own
            torch.set_num_threads(self._threads)
        x = self._normalise(to_float(torch.from_numpy(pixels).to(self._machine.device)))
        with torch.inference_mode(), self._machine.autocast():
            found: Any = self._task.probabilities(self._model(x))  # type: ignore[attr-defined]
        return found.cpu().numpy()


def threads() -> int:
    """Cores for the network: all but one, which is for the requests."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _check(path: Path, run: Run) -> None:
    if not isinstance(run.task, Classify):
        raise UsageError(
            f"{path} does not tell classes, and only what does is served: draw with it by "
            "`cutaway generate`, or measure it by `cutaway evaluate`."
        )
    if len(run.data.size) != 2:
        raise UsageError(f"{path} learned from signals or videos: only pictures are served.")


def load_engine(path: Path) -> Engine:
    """The network at a path, which has answered once.

    Raises:
        CutawayError: there is none, or none that can be served.
    """
    engine = TorchEngine(opened(path.resolve()))  # a link may be turned while it loads
    warm(engine, 1)
    return engine


def warm(engine: Engine, count: int) -> None:
    """Let it answer, so that the first request does not wait for what is made only once."""
    about = engine.about
    engine.answer(np.zeros((count, *about.size, about.channels), np.uint8))
