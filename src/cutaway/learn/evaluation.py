"""The results of an evaluation on images that a network did not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.split import Split

Summary = Mapping[str, object]
"""A run's `results.json`: `images`, how many there were, and each metric by its name."""


def number(summary: Summary, name: str) -> float:
    """A metric of a summary that is a single number. Raises KeyError where there is none."""
    value = summary[name]
    assert isinstance(value, int | float), name
    return value


class Evaluation:
    """The quality of a network on some images. Each task has its own kind."""

    def __len__(self) -> int:
        """The number of images."""
        raise NotImplementedError

    def summary(self) -> Summary:
        """The metrics as plain values."""
        raise NotImplementedError

    def tensors(self) -> dict[str, Tensor]:
        """The tensors that are kept: all that a report draws and a comparison needs."""
        raise NotImplementedError

    def grouped(self, split: Split) -> "Evaluation":
        """The same, knowing which of the images are related, where that matters."""
        return self

    def doubts(self) -> Sequence[tuple[str, str]]:
        """Reasons to doubt its figures: short stable names, and a sentence each."""
        return ()

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the first metric of `summary`; None where none is known."""
        return None

    @property
    def related(self) -> int:
        """The number of groups of related images; 0 where none are known to be related."""
        return 0

    def remarks(self) -> dict[str, str]:
        """Remarks beside the metrics, by name."""
        return {}

    @property
    def trivial(self) -> tuple[str, ...]:
        """Metrics that say nothing here."""
        return ()

    def details(self) -> Mapping[str, object]:
        """Further plain values, for programs."""
        return {}


class Pooled(Evaluation):
    """An evaluation of answers that have a mean: several networks can answer as an ensemble."""

    index: Int[Tensor, " n"]

    @property
    def answers(self) -> Float[Tensor, "n *any"]:
        """The network's, a row an image."""
        raise NotImplementedError

    def with_answers(self, answers: Float[Tensor, "n *any"]) -> "Pooled":
        """The evaluation of other answers to the same images."""
        raise NotImplementedError

    def error_of(self, total: Float[Tensor, "n *any"], count: int) -> float:
        """The error of the mean of so many answers, given their sum."""
        raise NotImplementedError


@dataclass(frozen=True)
class Measurements(Evaluation):
    """Metrics and tensors, for tasks that need no more."""

    images: int
    metrics: Mapping[str, object]
    kept_tensors: dict[str, Tensor]
    trivial: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.images

    def summary(self) -> Summary:
        return {"images": self.images, **self.metrics}

    def tensors(self) -> dict[str, Tensor]:
        return self.kept_tensors
