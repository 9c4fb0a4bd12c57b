"""The results of a comparison."""

from dataclasses import dataclass

from cutaway.learn.compare.sides import Side
from cutaway.learn.stats import Estimate

SURE = 0.05
"""A p below this is taken for a difference."""


@dataclass(frozen=True)
class Standing:
    """The estimate of one side by itself; `values` are its replicates' figures."""

    side: Side
    estimate: Estimate
    values: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """The difference of a side from the first; below 0 it is worse.

    Attributes:
        p: of `gain`, raised by Holm's correction where there are several differences.
        count: how many `unit`s stand behind it (of each side, where nothing pairs them).
        by: what pairs the two, in words; nothing where nothing does.
        test: the test that p is of.
        needed: how many `unit`s would show a difference as large as this one 8 times in 10;
            None where no number would.
        visible: the smallest difference that these units show 8 times in 10.
        only: images that only the first, only the other answers rightly.
    """

    side: Side
    gain: Estimate
    p: float
    count: int
    unit: str
    by: tuple[str, ...]
    test: str
    needed: int | None
    visible: float
    only: tuple[int, int] | None = None

    @property
    def seen(self) -> bool:
        """Whether there is a difference at all, as far as can be told."""
        return self.p < SURE and not self.gain.low <= 0 <= self.gain.high


@dataclass(frozen=True)
class ComparisonResult:
    """The estimates of the sides and their differences, and what they rest on.

    Attributes:
        differences: of each side but the first from the first.
        looked: whether the runs were evaluated anew for it.
        overlap: test images over training images, where the replicates divide the same images.
        images, groups: test images, and groups of related ones that were drawn as one (single
            runs; 0 groups where none are related).
        problem: why groups are not known.
    """

    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    looked: bool
    overlap: float = 0.0
    images: int = 0
    groups: int = 0
    problem: str = ""
