"""The scene of a run that is read from its files."""

from collections.abc import Sequence

from torch import nn

from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError
from cutaway.learn.checkpoint import Tensors, load_tensors
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.history import Row
from cutaway.learn.run import Run
from cutaway.learn.runtime import Runtime
from cutaway.learn.sharded_checkpoint import find
from cutaway.learn.snapshots import read_snapshot, snapshots
from cutaway.learn.stage import part
from cutaway.show.timeline import thinned
from cutaway.studio.company import Company
from cutaway.studio.scene import POINTS, Points, Scene
from cutaway.studio.what_if import WhatIf
from cutaway.together.team import ALONE


class ReadScene(Scene):
    """A run at one of its snapshots, at its end, or at its last checkpoint.

    Attributes:
        last_step: the last step that is known of.
        what_if: changes of its weights that are supposed.
    """

    def __init__(self, run: Run, images: ImageSet, company: Company | None = None):
        super().__init__(run, images)
        self.company, self.known, self.what_if = company, False, WhatIf()
        self._model: nn.Module = run.runtime.place(run.new_model()).eval()
        self._evaluations: dict[object, Evaluation] = {}
        self._rows: list[Row] = []
        self.step = self.last_step = 0
        self.read()

    @property
    def model(self) -> nn.Module:  # type: ignore[override]
        return self._model

    @property
    def runtime(self) -> Runtime:  # type: ignore[override]
        return self.run.runtime

    @property
    def rows(self) -> Sequence[Row]:  # type: ignore[override]
        return [row for row in self._rows if self._place(row) <= self.step]

    def changed(self) -> object:
        """What differs once the run's files have changed."""
        path = self.run.path
        files = (path / "metrics.jsonl", path / "weights.safetensors", path / "checkpoint")
        folder = path / "snapshots"
        return [one.stat().st_mtime_ns if one.exists() else 0 for one in (*files, folder)]

    def read(self) -> None:
        """Take in what the files say now, and show the last weights."""
        metrics = self.run.path / "metrics.jsonl"
        self._rows = self.run.metrics if metrics.exists() else []
        steps = self.run.path / "steps.jsonl"
        self._steps = self.run.steps if steps.exists() else []
        ends: list[int] = []
        for row in self._steps or self._rows:  # an earlier version wrote no steps
            if int(row.get("stage", 1)) > len(ends):
                ends.append(0)
            ends[-1] = int(row["step"])
        self._begins = [sum(ends[:k]) for k in range(len(ends))]
        self.last_step = sum(ends)
        self.step = self.last_step
        self._evaluations.clear()
        self._load(self._last())

    def show(self, step: int) -> None:
        """Show the weights of the last snapshot up to a step, or those at the end."""
        files = snapshots(self.run.path)
        if step >= self.last_step or not files:
            self._load(self._last())
            self.step = self.last_step
        else:
            self.step = max((one for one in files if one <= step), default=min(files))
            self._load(read_snapshot(files[self.step]))

    def _last(self) -> Tensors:
        """The weights that the run ended with, or those of its last checkpoint."""
        path = self.run.path / "weights.safetensors"
        if path.exists():
            return load_tensors(path)[0]
        saved = find(self.run.path / "checkpoint", ALONE)
        if saved is None:
            return {}
        return part(saved.read({}), "model")

    def _load(self, tensors: Tensors) -> None:
        self.known = self.known or bool(tensors)
        if not tensors:
            return
        try:
            self._model.load_state_dict(tensors)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise RunError(f"These weights do not fit the network: {first}") from None
        self.what_if.make(self._model)

    def by_step(self) -> Sequence[tuple[str, Points]]:
        found: dict[str, Points] = {}
        rows = [row for row in self._steps if self._place(row) <= self.step]
        for row in thinned(rows, POINTS):
            for name, value in row.items():
                if name == "lr" or (name.startswith("train_") and f"{name}_min" in row):
                    x, y = found.setdefault(name, ([], []))
                    x.append(self._place(row))
                    y.append(value)
        return list(found.items())

    def begins(self, stage: int) -> int:
        return self._begins[stage] if stage < len(self._begins) else 0

    def _place(self, row: Row) -> int:
        return self.begins(int(row.get("stage", 1)) - 1) + int(row["step"])

    def evaluated(self) -> Evaluation | None:
        if not len(self.run.split.val):
            return None
        key = self.step, tuple(self.what_if.changes)
        if key not in self._evaluations:
            self._evaluations[key] = self.task.evaluate(
                self.model, self.feed, self.target, self.runtime
            )
        return self._evaluations[key]
