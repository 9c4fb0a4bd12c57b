"""What there is to look at: a network at a step, some images, and what led here."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Classes
from cutaway.learn.evaluation import Evaluation, Summary
from cutaway.learn.history import Row
from cutaway.learn.run import Run
from cutaway.learn.runtime import Runtime
from cutaway.learn.step_history import Windows
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task

if TYPE_CHECKING:
    from cutaway.learn.training import Training
    from cutaway.studio.company import Company

Points = tuple[list[float], list[float]]
"""Values along an axis, and others there."""
POINTS = 240
"""Points of a curve, at most."""
JUDGED, TRIED, WHILE = 512, 32, 1.0
"""Validation images by which a change is judged at most, those that are tried first to see how long
they take, and seconds that all may take."""
CHOSEN = 16
"""Images that are looked at: the first of validation, where there is such a part."""


class Scene:
    """A network in a run, as it stands; each way to come by one is a subclass.

    Attributes:
        own: a picture of somebody's own, as bytes; None where none was given.
        learns: whether steps are taken while it is looked at.
        known: whether there are weights yet, beside those that it begins with.
        company: the runs that it is looked at together with.
        evaluation: the last on the validation images.
    """

    learns = False
    known: bool = True
    company: "Company | None" = None
    own: UInt8[Tensor, "h w c"] | None = None
    evaluation: Evaluation | None = None
    model: nn.Module
    runtime: Runtime
    step: int
    rows: Sequence[Row]

    def __init__(self, run: Run, images: ImageSet):
        self.run, self.images = run, images
        self.target = run.data.target

    @property
    def task(self) -> Task:
        return make_task(self.run.recipe.in_stages()[-1])

    def by_step(self) -> Sequence[tuple[str, Points]]:
        """Each figure of the steps so far: the steps of the run, and its values there."""
        raise NotImplementedError

    def begins(self, stage: int) -> int:
        """The steps of the run before a stage, counted from 0."""
        raise NotImplementedError

    @cached_property
    def feed(self) -> Feed:
        """Images to look at, as they are."""
        part = self.run.split.val if len(self.run.split.val) else self.run.split.train
        return self.run.feed(self.images, part)

    @cached_property
    def batch(self) -> Batch:
        """The chosen images."""
        return next(self.feed.first(CHOSEN))

    @cached_property
    def names(self) -> list[str]:
        """What they are called: by their class, where they have one."""
        target = self.images.target
        if not isinstance(target, Classes):
            return [f"image {k + 1}" for k in range(len(self.batch.x))]
        classes = self.images.truth[self.batch.index.cpu()].tolist()
        return [f"{k + 1}: {target.names[int(t)]}" for k, t in enumerate(classes)]

    @cached_property
    def pictures(self) -> UInt8[Tensor, "n *grid c"]:
        """Their pixels."""
        return self.images.images.index_select(0, self.batch.index.cpu())

    @property
    def gradients(self) -> bool:
        """Whether the parameters still have the gradients of the last step."""
        return False

    def summary(self, images: int) -> Summary:
        """What the network as it stands comes to on the first so many validation images."""
        feed = self.run.feed(self.images, self.run.split.val[:images])
        return self.task.evaluate(self.model, feed, self.target, self.runtime).summary()

    @cached_property
    def judged(self) -> int:
        """Validation images by which a change is judged: as many as take about a second here."""
        known = len(self.run.split.val)
        begin = monotonic()
        self.summary(TRIED)
        fit = int(TRIED * WHILE / max(monotonic() - begin, 1e-6))
        return min(known, max(TRIED, min(JUDGED, fit)))

    def evaluated(self) -> Evaluation | None:
        """The last evaluation on the validation images; None where there was none yet."""
        return self.evaluation

    def example(self, image: int) -> Tensor:
        """One of the chosen images as the network takes it, as a batch; -1: one's own."""
        if image < 0 and self.own is not None:
            x = self.own.movedim(-1, 0).float()[None] / 255
            return self.run.data.normalise(x.to(self.runtime.device)).to(self.batch.x.dtype)
        image = min(max(image, 0), len(self.batch.x) - 1)
        return self.batch.x[image : image + 1]

    def pixels(self, image: int) -> UInt8[Tensor, "*grid c"]:
        """The same as it was given."""
        if image < 0 and self.own is not None:
            return self.own
        return self.pictures[min(max(image, 0), len(self.batch.x) - 1)]


class LiveScene(Scene):
    """The scene of a training in progress."""

    learns = True

    def __init__(self, training: "Training"):
        super().__init__(training.run, training.images)
        self.training = training

    @property
    def task(self) -> Task:
        return self.training.stage.task

    @property
    def model(self) -> nn.Module:  # type: ignore[override]
        return self.training.model

    @property
    def runtime(self) -> Runtime:  # type: ignore[override]
        return self.training.runtime

    @property
    def step(self) -> int:  # type: ignore[override]
        return self.training.step

    @property
    def rows(self) -> Sequence[Row]:  # type: ignore[override]
        return self.training.rows

    def by_step(self) -> Sequence[tuple[str, Points]]:
        return [
            (name, points) for before, windows in self._windows() if len(windows)
            for name, points in thinned(windows, before)
        ]  # fmt: skip

    def begins(self, stage: int) -> int:
        return dict(enumerate(before for before, _ in self._windows())).get(stage, 0)

    def _windows(self) -> Sequence[tuple[int, Windows]]:
        """The steps of each stage so far, and how many steps of the run lie before it."""
        history, before, found = self.training.steps, 0, []
        history.reader.read()
        known = dict(history.stages)
        if history.reader.windows is not None:
            known[history.number] = history.reader.windows
        for _, windows in sorted(known.items()):
            found.append((before, windows))
            before += windows.first + windows.steps
        return found

    @property
    def gradients(self) -> bool:
        return any(p.grad is not None for p in self.model.parameters())


def thinned(windows: Windows, before: int, most: int = POINTS) -> Iterator[tuple[str, Points]]:
    """Each figure at the last step of each point, its mean over the steps of the point.

    Args:
        before: steps of the run that lie before.
    """
    count = len(windows)
    starts = np.arange(0, count, -(-count // most))
    steps = np.full(count, windows.width)
    steps[-1] = windows.steps - windows.width * (count - 1)
    counts = np.add.reduceat(steps, starts)
    sums = np.add.reduceat(windows.kept[:, 0, :count, 0], starts, axis=1)
    x = before + windows.first + np.cumsum(counts)
    for name, y in zip(windows.names, sums / counts, strict=True):
        known = np.isfinite(y)
        yield name, (x[known].tolist(), y[known].tolist())
