"""Conformal sets of classes and intervals of numbers: they hold what is true as often as asked.

A class belongs to the set of an image where its probability is among the share of the largest that
the true classes of the validation images had. Over images like those, the set holds the true class
with at least the probability asked for, however good or bad the network is. An image for which no
class is probable enough has an empty set. An interval of a number reaches as far to both sides of
what is predicted as that share of the validation images was off at most.

Source: Vovk et al. 2005, 'Algorithmic learning in a random world', section 2.2; Sadinle et al.
2019, 'Least ambiguous set-valued classifiers', whose sets are the smallest on average; Lei et al.
2018, 'Distribution-free predictive inference for regression', section 2.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TypedDict

from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.learn.task import Task

KEPT = 999
"""Validation images whose probabilities are kept, at most: coverage is asked for in thousandths."""
PRECISION = 10**8
COVERAGES = (0.9, 0.95, 0.99)
"""Those that are told where none is asked for."""


class SetMetrics(TypedDict):
    """What the sets of some images came to, when each was asked to hold the true class.

    Attributes:
        asked, covered: the share of images whose set is to hold the true class, and does.
        classes: in a set, on average.
        empty: share of images whose set is empty.
    """

    asked: float
    covered: float
    classes: float
    empty: float


class IntervalMetrics(TypedDict):
    """What the intervals of a number came to.

    Attributes:
        asked, covered: the share of images whose interval is to hold the true number, and does.
        margin: how far the intervals reach to both sides, in the number's unit.
    """

    asked: float
    covered: float
    margin: float


@dataclass(frozen=True)
class Covering(Task):
    """A task whose predictions can tell what is true of so many images.

    Attributes:
        coverage: the share of images; 0: none is asked for.
    """

    coverage: float = field(default=0.0, kw_only=True)

    @property
    def conforming(self) -> Sequence[float]:
        """What is kept of the validation images, the most conforming first."""
        raise NotImplementedError


def conformity(p: Float[Tensor, " n"]) -> tuple[float, ...]:
    """What is kept of the probabilities of the true classes of n images, the largest first.

    Of more than `KEPT` m of them stay, the i-th being the one of rank ceil(i (n + 1) / (m + 1)): a
    new image's is below it with the probability that it would have among m images.
    """
    return _some(p.double().sort(descending=True).values.mul(PRECISION).floor().div(PRECISION))


def margins(errors: Float[Tensor, " n"]) -> tuple[float, ...]:
    """The same of the sizes of the errors of a number, the smallest first."""
    return _some(errors.double().abs().sort().values)


def _some(ordered: Float[Tensor, " n"]) -> tuple[float, ...]:
    n, m = len(ordered), min(len(ordered), KEPT)
    ranks = [-(-i * (n + 1) // (m + 1)) for i in range(1, m + 1)]
    return tuple(ordered[rank - 1].item() for rank in ranks)


def limit_for(kept: Sequence[float], coverage: float) -> float:
    """The probability that a class needs to belong to the set, or the margin of an interval.

    Raises:
        UsageError: no share between 0 and 1, or more than so few images can promise.
    """
    if not 0 < coverage < 1:
        raise UsageError(f"--coverage is a share between 0 and 1, such as 0.95, not {coverage:g}.")
    if not kept:
        raise UsageError(
            "A coverage needs validation images, and this network learned without any, or by "
            "an older Cutaway: train it again with --val 0.1."
        )
    if _rank(kept, coverage) > len(kept):
        raise UsageError(_too_few(len(kept), coverage))
    return kept[_rank(kept, coverage) - 1]


def _rank(kept: Sequence[float], coverage: float) -> int:
    """ceil((n + 1) coverage), from 1; 0.55 of 100 is 55, although no float is 0.55."""
    return ceil((len(kept) + 1) * coverage - 1e-9)


def _too_few(count: int, coverage: float) -> str:
    """Why so few validation images promise no such coverage."""
    most = f"{count / (count + 1):.4g}"
    if count == KEPT:
        return f"A coverage of {coverage:g} cannot be promised: ask for {most} or less."
    return (
        f"A coverage of {coverage:g} takes {ceil(coverage / (1 - coverage) - 1e-9):,} validation "
        f"images, and this network had {count:,}: ask for {most} or less, or train it with a "
        "larger --val."
    )


def covering(task: Task, coverage: float) -> Task:
    """The task whose predictions tell the set of classes, or the intervals of numbers, too.

    Raises:
        UsageError: its networks tell neither, or the coverage cannot be promised.
    """
    if not isinstance(task, Covering):
        raise UsageError(
            f"The task '{task.name()}' tells neither the class of an image nor a number, so there "
            "are no sets or intervals of them: leave --coverage out."
        )
    limit_for(task.conforming, coverage)
    return replace(task, coverage=coverage)


def set_metrics(
    kept: Sequence[float],
    p: Float[Tensor, "n k"],
    t: Int[Tensor, " n"],
    coverages: Sequence[float] = COVERAGES,
) -> list[SetMetrics]:
    """What the sets of n images come to, for each coverage that can be promised."""
    possible = [one for one in coverages if _rank(kept, one) <= len(kept)]
    return [_metrics(one, p.double() >= limit_for(kept, one), t) for one in possible]


def _metrics(asked: float, among: Bool[Tensor, "n k"], t: Int[Tensor, " n"]) -> SetMetrics:
    sizes = among.sum(1).double()
    return {
        "asked": asked,
        "covered": among.gather(1, t[:, None]).double().mean().item(),
        "classes": sizes.mean().item(),
        "empty": (sizes == 0).double().mean().item(),
    }


def interval_metrics(
    kept: Sequence[float],
    errors: Float[Tensor, " n"],
    coverages: Sequence[float] = COVERAGES,
) -> list[IntervalMetrics]:
    """What the intervals of a number come to, for each coverage that can be promised."""
    possible = [one for one in coverages if _rank(kept, one) <= len(kept)]
    reach = [limit_for(kept, one) for one in possible]
    return [
        {
            "asked": one,
            "covered": (errors.double().abs() <= margin).double().mean().item(),
            "margin": margin,
        }
        for one, margin in zip(possible, reach, strict=True)
    ]
