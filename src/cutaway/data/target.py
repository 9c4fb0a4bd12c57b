"""Kinds of targets: a class for each example or for each of its pixels, several labels, numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

STRATA, MIN_EXAMPLES = 10, 10
"""Number of ranges that values are divided into for a stratified split, at most; and examples in
each, at least."""
UNEQUAL = 3
"""Classes are unequal where the largest has more than so many times the examples of the smallest:
of two classes, where never answering the smaller one is right for more than 3 examples in 4."""


@dataclass(frozen=True)
class Target:
    """The kind of target of a set; each kind is a subclass.

    Attributes:
        kind: a short stable name, which files keep.
        names: of the network's outputs: of the classes, or of the numbers.
        requirement, description, advice: for messages: what is needed, what such images have, and
            how to give it.
        plural: what the names are names of.
        answers: what a network's answers are.
    """

    kind: ClassVar[str]
    requirement: ClassVar[str]
    description: ClassVar[str]
    advice: ClassVar[str]
    plural: ClassVar[str] = "classes"
    answers: ClassVar[str] = "probabilities"

    names: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """Number of outputs of a network; for each pixel where each pixel has a target."""
        return len(self.names)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none where the targets are no classes."""
        return self.names

    @property
    def unequal(self) -> bool:
        """Whether some classes have far more examples than others, so that accuracy hides them."""
        return False

    def fitted(self, truth: Shaped[Tensor, "n *any"], train: Int[Tensor, " train"]) -> "Target":
        """The same target, with statistics of the training examples."""
        return self

    def learned(self, t: Shaped[Tensor, "b *any"]) -> Shaped[Tensor, "b *any"]:
        """A batch of targets as a loss takes it."""
        return t.long()

    def scale(self) -> Float[Tensor, " k"]:
        """The scale to which differences of answers are compared."""
        return torch.ones(len(self.names))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"kind": self.kind} | asdict(self)


@dataclass(frozen=True)
class Classes(Target):
    """One class for each example.

    Attributes:
        counts: training examples of each class; nothing where they are not known.
    """

    kind = "class"
    requirement, description = "a class for each image", "have a class each"
    advice = "give a folder for each class, or a table with a column of labels"

    counts: tuple[int, ...] = ()

    @property
    def unequal(self) -> bool:
        some = [count for count in self.counts if count]
        return bool(some) and max(some) > UNEQUAL * min(some)

    @property
    def positive(self) -> int:
        """Of two classes the one that is looked for: the rarer, or the second where none is."""
        return 0 if self.counts and self.counts[0] < self.counts[1] else 1

    def fitted(self, truth: Int[Tensor, " n"], train: Int[Tensor, " train"]) -> "Classes":
        counts = torch.bincount(truth[train].long(), minlength=len(self.names))
        return replace(self, counts=tuple(counts.tolist()))


@dataclass(frozen=True)
class Masks(Target):
    """One class for each pixel."""

    kind = "mask"
    requirement, description = "images with masks", "have masks"
    advice = "give a folder with images/ and masks/, or the data set scenes"


@dataclass(frozen=True)
class Labels(Target):
    """Several labels for each example, one or none: 1 where it has one, else 0."""

    kind = "labels"
    requirement, description = "several labels for each image", "have several labels each"
    advice = (
        "give a table with a column of 0 and 1 for each label (--label cat,dog), or with a column "
        "of lists such as cat|dog"
    )
    plural = "labels"

    def learned(self, t: Shaped[Tensor, "b *any"]) -> Shaped[Tensor, "b *any"]:
        return t.float()


@dataclass(frozen=True)
class Values(Target):
    """One number or several for each example.

    Networks learn them with mean 0 and spread 1, so that one learning rate suits all.

    Attributes:
        mean, std: of the training examples, a number for each name.
    """

    kind = "value"
    requirement, description = "numbers for each image", "have numbers"
    advice = "give a table, and name its columns of numbers: --label price,age"
    plural, answers = "numbers", "values"

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def fitted(self, truth: Float[Tensor, "n m"], train: Int[Tensor, " train"]) -> "Values":
        values = truth[train].double()
        std = values.std(0, correction=0)
        std = torch.where(std > 0, std, torch.ones_like(std))
        return replace(self, mean=tuple(values.mean(0).tolist()), std=tuple(std.tolist()))

    def learned(self, t: Shaped[Tensor, "b *any"]) -> Shaped[Tensor, "b *any"]:
        return ((t - t.new_tensor(self.mean)) / t.new_tensor(self.std)).float()

    def scale(self) -> Float[Tensor, " k"]:
        return torch.tensor(self.std)

    def undo(self, y: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
        """The inverse of `learned`: answers in the units of the targets."""
        return y * y.new_tensor(self.std) + y.new_tensor(self.mean)


KINDS: dict[str, type[Target]] = {one.kind: one for one in (Classes, Masks, Labels, Values)}


def read_target(values: Mapping[str, Any]) -> Target:
    """Read what `to_dict` wrote.

    Raises:
        KeyError, TypeError: it is not that.
    """
    fields = {name: tuple(value) for name, value in values.items() if name != "kind"}
    return KINDS[values["kind"]](**fields)


def strata(values: Float[Tensor, "n m"]) -> Int[Tensor, " n"]:
    """Ranges of about as many examples each, for a stratified split: 0 holds the smallest values.

    Of several numbers by the sum of their ranks.
    """
    ranks = values.double().argsort(dim=0, stable=True).argsort(dim=0)
    count = max(1, min(STRATA, len(values) // MIN_EXAMPLES))
    return ranks.sum(1).argsort(stable=True).argsort() * count // max(1, len(values))


def as_matrix(sets: Sequence[Sequence[int]], count: int) -> UInt8[Tensor, "n k"]:
    """1 where an example has a label, of so many labels, else 0."""
    labels = torch.zeros(len(sets), count, dtype=torch.uint8)
    for row, some in zip(labels, sets, strict=True):
        row[list(some)] = 1
    return labels


def rarest(labels: UInt8[Tensor, "n k"]) -> Int[Tensor, " n"]:
    """The rarest label of each example, counted from 1; 0 where it has none."""
    counts = labels.sum(0, dtype=torch.long)
    found = torch.where(labels == 1, counts, len(labels) + 1)
    return torch.where((labels == 1).any(1), found.argmin(1) + 1, 0)
