"""What an experiment gives: effects with intervals, tables, figures; and the verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from cutaway.lab.figures import ANY, Ends, Figure, Numbers, Part, logs
from cutaway.learn.statistics import Estimate, paired, student, wilson


class Verdict(Enum):
    """What a rule may say."""

    HOLDS = "holds"
    LIMITED = "holds with limits"
    FAILS = "does not hold"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Effect:
    """One measured value; a rule decides on these alone.

    Attributes:
        what: it is, in words.
        low, high: the 95 % interval over replicates; both are `value` where it is exact.
        n: replicates (or trials of a share); 0 where the value is exact.
        unit: `%`, `s`, `layers`; empty for plain numbers and ratios.
    """

    what: str
    value: float
    low: float
    high: float
    n: int = 0
    unit: str = ""

    @property
    def exact(self) -> bool:
        return self.n == 0


def exact(what: str, value: float, unit: str = "") -> Effect:
    """A count, an equality, a worked value: nothing in it is by chance."""
    return Effect(what, float(value), float(value), float(value), 0, unit)


def mean(what: str, values: Numbers, unit: str = "", within: Ends = ANY) -> Effect:
    """The mean over replicates (Student's t); an interval is cut where no value can lie."""
    found = student(np.asarray(values, np.float64))
    value, low, high = np.clip([found.value, found.low, found.high], *within).tolist()
    return Effect(what, value, low, high, len(values), unit)


def difference(what: str, a: Numbers, b: Numbers, unit: str = "") -> Effect:
    """The mean of b - a over replicates that are paired by seed, data or the like."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return estimated(what, paired(x, y), len(x), unit)


def ratio(what: str, a: Numbers, b: Numbers, unit: str = "") -> Effect:
    """The geometric mean of b / a over paired replicates; all values are above 0."""
    found = paired(logs(a), logs(b))
    value, low, high = np.exp([found.value, found.low, found.high]).tolist()
    return Effect(what, value, low, high, len(a), unit)


def share(what: str, successes: int, trials: int) -> Effect:
    """A share of independent trials in per cent (Wilson's interval)."""
    low, high = (100 * round(end, 12) for end in wilson(successes, trials))
    return Effect(what, 100 * successes / trials, low, high, trials, "%")


def share_of(what: str, facts: Bool[Tensor, "n"]) -> Effect:
    """The share of trials of which something is so."""
    return share(what, int(facts.sum()), len(facts))


def estimated(what: str, found: Estimate, n: int, unit: str = "") -> Effect:
    """An estimate of `cutaway.learn.statistics` (welch, bootstrap, ...) as an effect."""
    return Effect(what, found.value, found.low, found.high, n, unit)


def bars(name: str, effects: Iterable[Effect]) -> Part:
    """Effects, one for each group, as one colour of bars with their intervals."""
    values, low, high = zip(*((e.value, e.low, e.high) for e in effects), strict=True)
    return Part(name, values, low, high)


Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Rows of cells; a column's name has its unit: `time (ms)`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    Attributes:
        effects: by the names that the rule's parameters have.
        because: one paragraph that explains what was found, with the figures that say so.
        takes: what it would take to decide, where the rule says `undecided`.
    """

    effects: Mapping[str, Effect]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    because: str
    takes: str = ""
