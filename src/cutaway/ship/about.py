"""The description that travels inside an exported file."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from cutaway.data.frame import Fit, Frame, Levels, fit_of
from cutaway.data.ink import Ink
from cutaway.data.target import Classes, Target
from cutaway.errors import DataError
from cutaway.learn.card import fields_from_json
from cutaway.learn.directory import plain
from cutaway.learn.run import Run
from cutaway.learn.task import Task
from cutaway.learn.tasks import TASKS
from cutaway.version import __version__


@dataclass(frozen=True)
class About:
    """Everything that a stranger needs to use a network.

    Attributes:
        model: the network's name, `options` its own ones, and `data` what it learned from.
        task: what its outputs mean, a name of `learn.tasks`.
        part: what of it was exported: `answer`, `reconstruct`, `generate` or `paint`.
        target: what it tells of examples, with names in the order of the outputs.
        channels: 1 for grey, 3 for red, green, blue.
        size: height and width that it learned at; of signals and videos, their grid.
        mean, std: what is done to values in 0..1, a channel at a time.
        resizes: whether it brings images of any size to `size` itself.
        latent: length of the codes that it draws from; 0 where it takes examples.
        measures: what it did on its test set, such as {"accuracy": 0.99}.
        primary: the one of them that it is known by: its name, its label and its unit.
        licence: of the data that it learned from.
        version: of Cutaway.
        fit: what becomes of pictures of another shape (see `data.frame`).
        levels: values that stand for 0 and 255 where the pictures it learned from had more than 8
            bits: whoever gives it pixels v of such a picture gives 255 (v - low) / (high - low),
            cut off at 0 and 255 and rounded.
        ink: how drawings lie on their paper, for a page on which one draws; None where the images
            that it learned from are none.
        tuned: what its task took from the validation images (`Task.tuned`).
    """

    model: str
    options: dict[str, Any]
    data: str
    task: str
    part: str
    target: Target
    channels: int
    size: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resizes: bool
    latent: int
    measures: dict[str, float]
    licence: str
    version: str = __version__
    fit: Fit = "cut"
    levels: Levels | None = None
    ink: Ink | None = None
    primary: dict[str, str] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, part: str, resizes: bool) -> "About":
        card, results = run.data, run.results
        measures = {
            name: float(value)
            for name, value in results.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        latent = int(getattr(run.model, "latent", 0)) if part == "generate" else 0
        metric = run.task.metric(run.leading)
        primary = {"name": metric.name, "label": metric.label, "unit": metric.unit}
        return cls(
            run.recipe.model, run.recipe.model_options, plain(card.name),
            run.recipe.in_stages()[-1].task, part, card.target, card.channels, card.size,
            card.mean, card.std, resizes, latent, measures, card.licence, fit=card.fit,
            levels=card.levels, ink=card.ink, primary=primary, tuned=run.tuned,
        )  # fmt: skip

    @property
    def frame(self) -> Frame:
        """The channels, size and values that a picture is brought to."""
        return Frame(self.channels, self.size, fit_of(self.size, self.fit), self.levels)

    @property
    def takes_examples(self) -> bool:
        """Whether it is given images (or signals, or videos), and no codes or places."""
        return self.part in ("answer", "reconstruct")

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none where it tells no classes."""
        return self.target.classes

    def task_kind(self) -> Task:
        """The task, as far as answers depend on it."""
        return TASKS[self.task]().with_tuned(self.tuned)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"target": self.target.to_dict()}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "About":
        """Read what `to_json` wrote.

        Raises:
            DataError: it is not that.
        """
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, values: Any) -> "About":
        """Read what `to_dict` wrote.

        Raises:
            DataError: it is not that.
        """
        try:
            return cls(**fields_from_json(values, TASKS[values["task"]].needs or Classes))
        except (TypeError, KeyError):
            raise DataError(
                "The file does not say what it holds: it was not exported by Cutaway."
            ) from None
