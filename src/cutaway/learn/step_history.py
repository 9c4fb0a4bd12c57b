"""What every step of a run came to: its losses, other figures and learning rate, thinned.

However long a run is, a stage keeps at most `MOST` windows of steps. They are kept as
`steps.jsonl`, and in the checkpoint, so that a run that goes on has the same ones to the bit.
"""

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cutaway.files import write_whole
from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import Tensors
from cutaway.learn.history import Row
from cutaway.learn.loop import MetricTotals
from cutaway.learn.stage import part

if TYPE_CHECKING:
    from cutaway.learn.run import Run
    from cutaway.learn.training import Training

FILE = "steps.jsonl"
MOST = 1000
"""Windows of a stage at most; an even number, since neighbours merge."""
WAITING = 50
"""Steps whose figures are left on a device before they are read, all at once."""

RATE = "lr"

Figures = Float[np.ndarray, "steps figures networks"]
"""Figures of some steps; of a single network, or of those of a stack."""
Images = Float[np.ndarray, "steps figures 1"]


class Windows:
    """Mean, least and greatest of figures over windows of equally many steps, the last one aside.

    A window is one step until there are `MOST` of them; then neighbours become one, and from there
    on a window has twice as many steps. What is kept follows from the figures of the steps alone.

    Attributes:
        kept: by figure (3, MOST, networks): sums over the steps of each window, least, greatest.
        first: the step of the stage before the first that is known: 0, unless an earlier version
            of Cutaway took it.
        steps: how many are known.
        width: steps of a window.
    """

    def __init__(self, names: Sequence[str], networks: int = 1, first: int = 0):
        self.names, self.first, self.steps, self.width = tuple(names), first, 0, 1
        self.kept = np.zeros((len(self.names), 3, MOST, networks))

    def __len__(self) -> int:
        return -(-self.steps // self.width)

    def add(self, figures: Figures) -> None:
        """Add the figures of the next steps."""
        while len(figures):
            if self.steps == MOST * self.width:
                self._merge()
            at, inside = divmod(self.steps, self.width)
            if self.width == 1:
                count = min(len(figures), MOST - at)
                self.kept[:, :, at : at + count] = figures[:count].swapaxes(0, 1)[:, None]
            else:
                count = min(len(figures), self.width - inside)
                self._add_to(at, inside, figures[:count])
            self.steps, figures = self.steps + count, figures[count:]

    def _add_to(self, at: int, inside: int, figures: Figures) -> None:
        """Add steps to the window at a place, which has so many; one after the other, so that sums
        are the same to the bit whatever steps come together."""
        if not inside:
            self.kept[:, :, at] = figures[0][:, None]
        sums, low, high = (self.kept[:, i, at] for i in range(3))
        for one in figures[0 if inside else 1 :]:
            sums += one
        np.minimum(low, figures.min(0), out=low)
        np.maximum(high, figures.max(0), out=high)

    def _merge(self) -> None:
        """Make one window of every two."""
        odd, even = self.kept[:, :, 0::2], self.kept[:, :, 1::2]
        pairs = (odd[:, 0] + even[:, 0], np.minimum(odd, even)[:, 1], np.maximum(odd, even)[:, 2])
        self.kept[:, :, : MOST // 2] = np.stack(pairs, 1)
        self.width *= 2

    def rows(self) -> list[Row]:
        """A row a window, of the first network: see `Run.steps`. What is not finite is left out."""
        counts = np.full(len(self), self.width)
        counts[-1:] = self.steps - self.width * (len(self) - 1)
        ends = self.first + np.cumsum(counts)
        rows: list[Row] = [
            {"step": int(end), "steps": int(n)} for end, n in zip(ends, counts, strict=True)
        ]
        for name, (sums, low, high) in zip(self.names, self.kept[..., 0], strict=True):
            columns = {name: sums[: len(self)] / counts}
            columns |= {} if name == RATE else {f"{name}_min": low, f"{name}_max": high}
            for key, values in columns.items():
                for row, value in zip(rows, values.tolist(), strict=False):
                    if math.isfinite(value):
                        row[key] = float(f"{value:.6g}")  # more than a curve can show
        return rows

    def of(self, network: int) -> "Windows":
        """Those of one network of a stack; they follow what is added."""
        windows = copy.copy(self)
        windows.kept = self.kept[..., network : network + 1]
        return windows

    @classmethod
    def together(cls, several: Sequence["Windows"]) -> "Windows":
        """The windows of networks that take their steps together, as those of a stack."""
        windows = copy.copy(several[0])
        windows.kept = np.concatenate([one.kept for one in several], -1)
        return windows

    def state(self) -> Tensors:
        """All of it as tensors."""
        known = torch.from_numpy(self.kept[:, :, : len(self)].copy())
        counts = torch.tensor([self.first, self.steps, self.width])
        return {"counts": counts, **dict(zip(self.names, known, strict=True))}

    @classmethod
    def restored(cls, tensors: Tensors) -> "Windows":
        """What `state` gave."""
        tensors = dict(tensors)
        first, steps, width = tensors.pop("counts").tolist()
        names = sorted(tensors)
        kept = torch.stack([tensors[name] for name in names]).numpy()
        windows = cls(names, kept.shape[-1], first)
        windows.steps, windows.width = steps, width
        windows.kept[:, :, : kept.shape[2]] = kept
        return windows


@dataclass(frozen=True)
class Snapshot:
    """The totals of an epoch after a step.

    Attributes:
        sums: of each figure, and of each network where there are many; where a device has them,
            as a copy there.
        images, rates: how many images each figure is over, and each network's learning rate.
        fresh: whether the totals were empty before.
    """

    sums: list[Any] | Tensor
    images: list[int]
    rates: list[float]
    fresh: bool


class StepReader:
    """Reads the figures of each step from the totals of an epoch, which grow by them.

    Nothing waits for a device: snapshots stay there, and are read together.

    Args:
        totals: as the next step finds them.
        step: how many steps the stage has taken.
        windows: of those before.
    """

    def __init__(self, totals: MetricTotals, step: int = 0, windows: Windows | None = None):
        self.windows, self.step, self.fresh = windows, step, not totals.sums
        self.waiting: list[Snapshot] = []
        self.before = numbers([_snapshot(totals, [], False)]) if totals.sums else None

    def add(self, totals: MetricTotals, rates: list[float]) -> None:
        """A step has been taken.

        Args:
            rates: the learning rate of each network.
        """
        if self.windows is None:
            names = (RATE, *(f"train_{name}" for name in sorted(totals.sums)))
            self.windows = Windows(names, len(rates), self.step)
        self.waiting.append(_snapshot(totals, rates, self.fresh))
        self.fresh = False
        if len(self.waiting) == WAITING:
            self.read()

    def end_epoch(self) -> None:
        """The next step finds empty totals."""
        self.fresh = True

    def read(self) -> None:
        """Take in what was left on the device."""
        if not self.waiting:
            return
        assert self.windows is not None
        sums, images = numbers(self.waiting)
        fresh = np.array([one.fresh for one in self.waiting])[:, None, None]
        before, seen = self.before or (sums[:1], images[:1])
        means = _grown(sums, before, fresh) / _grown(images, seen, fresh)
        rates = np.array([one.rates for one in self.waiting])[:, None]
        self.windows.add(np.concatenate([rates, means], 1))
        self.before = sums[-1:], images[-1:]
        self.waiting.clear()


def _grown(
    totals: Figures,
    before: Float[np.ndarray, "1 figures networks"],
    fresh: Bool[np.ndarray, "steps 1 1"],
) -> Figures:
    """By how much totals have grown within each step; from nothing where they were fresh."""
    return totals - np.where(fresh, 0.0, np.concatenate([before, totals[:-1]]))


def _snapshot(totals: MetricTotals, rates: list[float], fresh: bool) -> Snapshot:
    names = sorted(totals.sums)
    each = [totals.sums[name] for name in names]
    device = next((one.device for one in each if one.device.type != "cpu"), None)
    copied = torch.stack([one.to(device) for one in each]) if device else None
    sums: list[Any] | Tensor = [one.tolist() for one in each] if copied is None else copied
    return Snapshot(sums, [totals.images[name] for name in names], rates, fresh)


def numbers(snapshots: Sequence[Snapshot]) -> tuple[Figures, Images]:
    """Sums and images of some steps."""
    there = [one.sums for one in snapshots if isinstance(one.sums, Tensor)]
    stacked = torch.stack(there).cpu().numpy() if there else np.array([s.sums for s in snapshots])
    images = np.array([one.images for one in snapshots], dtype=float)[..., None]
    return stacked.reshape(*images.shape[:2], -1), images


class StepHistory(Callback):
    """Keeps what each step of a run came to.

    Attributes:
        stages: the windows of each stage that has begun, by its number.
    """

    def __init__(self, run: "Run"):
        self.path, self.numbered = run.path / FILE, len(run.recipe.in_stages()) > 1
        self.stages: dict[int, Windows] = {}
        self.number, self.reader = 0, StepReader(MetricTotals())

    def on_stage_begin(self, training: "Training") -> None:
        stage = training.stage
        self.number = stage.number
        self.reader = StepReader(stage.totals, stage.step, self.stages.get(stage.number))

    def on_step_end(self, training: "Training") -> None:
        self.reader.add(training.stage.totals, training.stage.player_optimizers[0].rates)

    def on_epoch_end(self, training: "Training", row: Row) -> None:
        self.reader.end_epoch()

    def on_checkpoint(self, training: "Training") -> None:
        self.reader.read()
        if self.reader.windows is not None:
            self.stages[self.number] = self.reader.windows
        rows = [row for number in sorted(self.stages) for row in self._rows(number)]
        write_whole(self.path, "".join(json.dumps(row) + "\n" for row in rows))

    def _rows(self, number: int) -> list[Row]:
        stage = {"stage": number + 1} if self.numbered else {}
        return [{**stage, **row} for row in self.stages[number].rows()]

    def state(self) -> Tensors:
        """All of it as tensors."""
        return {
            f"{number}/{name}": value
            for number, windows in self.stages.items()
            for name, value in windows.state().items()
        }

    def restore(self, tensors: Tensors) -> None:
        """Put back what `state` gave; nothing, of a run that an earlier version began."""
        for number in sorted({int(key.partition("/")[0]) for key in tensors}):
            self.stages[number] = Windows.restored(part(tensors, str(number)))
