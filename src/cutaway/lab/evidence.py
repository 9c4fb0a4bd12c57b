"""The results of an experiment: effects with intervals, tables, figures; and the verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from jaxtyping import Bool, Num
from torch import Tensor

from cutaway.figures import Axis, Bars, Curves, Figure, Numbers, Part, Series, images
from cutaway.lab.figures import ANY, Ends, logs
from cutaway.learn.stats import Estimate, paired, student, wilson


class Verdict(Enum):
    """The verdicts that a rule may give."""

    HOLDS = "holds"
    LIMITED = "holds with limits"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    UNTESTED = "not tested"
    """Nothing that was measured here bears on what the source says."""


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


def certain(yes: bool, no: bool) -> bool | None:
    """Whether something is so; None where an interval is certain of neither."""
    return True if yes else False if no else None


def exact(what: str, value: float | Tensor, unit: str = "") -> Effect:
    """A count, an equality, a worked value: nothing in it is by chance."""
    number = float(value.item() if isinstance(value, Tensor) else value)
    return Effect(what, number, number, number, 0, unit)


def mean(what: str, values: Numbers, unit: str = "", within: Ends = ANY) -> Effect:
    """The mean over replicates (Student's t); an interval is cut where no value can lie."""
    estimate = student(np.asarray(values, np.float64))
    value, low, high = np.clip([estimate.value, estimate.low, estimate.high], *within).tolist()
    return Effect(what, value, low, high, len(values), unit)


def difference(what: str, a: Numbers, b: Numbers, unit: str = "") -> Effect:
    """The mean of b - a over replicates that are paired by seed, data or the like."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return estimated(what, paired(x, y), len(x), unit)


def ratio(what: str, a: Numbers, b: Numbers, unit: str = "", overlap: float = 0.0) -> Effect:
    """The geometric mean of b / a over paired replicates; all values are above 0.

    Args:
        overlap: images judged by over images learned from, where replicates share images; else 0.
    """
    estimate = paired(logs(a), logs(b), overlap)
    value, low, high = np.exp([estimate.value, estimate.low, estimate.high]).tolist()
    return Effect(what, value, low, high, len(a), unit)


def share(what: str, successes: int, trials: int) -> Effect:
    """A share of independent trials in per cent (Wilson's interval)."""
    low, high = (100 * round(end, 12) for end in wilson(successes, trials))
    return Effect(what, 100 * successes / trials, low, high, trials, "%")


def share_of(what: str, facts: Bool[Tensor, "n"]) -> Effect:
    """The share of trials of which something is so."""
    return share(what, int(facts.sum()), len(facts))


def estimated(what: str, estimate: Estimate, n: int, unit: str = "") -> Effect:
    """An estimate of `cutaway.learn.stats` (welch, bootstrap, ...) as an effect."""
    return Effect(what, estimate.value, estimate.low, estimate.high, n, unit)


def part_of(name: str, effects: Iterable[Effect]) -> Part:
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
    """The results of an experiment.

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


class Record:
    """Builds the evidence of an experiment, statement by statement.

        record = Record()
        record.effects(gap=difference("gap in accuracy", narrow, wide, "points"))
        record.table("Accuracy", zip(widths, right), "width | accuracy (%)")
        record.curves("Accuracy", "width", "accuracy (%)", over("networks", widths, each))
        return record.because("One paragraph, with the figures that were measured.")

    Tables and figures stand in the book in the order in which they were recorded.
    """

    def __init__(self) -> None:
        self._effects: dict[str, Effect] = {}
        self._tables: list[Table] = []
        self._figures: list[Figure] = []
        self._takes = ""

    def effects(self, **effects: Effect) -> None:
        """Measured values, by the names that the rule's parameters have."""
        self._effects |= effects

    def table(
        self,
        title: str,
        rows: Iterable[Mapping[str, Any]] | Iterable[Iterable[Any]],
        columns: str | Iterable[str] | None = None,
    ) -> None:
        """A table.

        Args:
            rows: cells by the name of their column; or cells alone, where `columns` names them.
                Tensors of one number are taken as that number.
            columns: one string with ` | ` between the names, or each name by itself.
        """
        given = list(rows)
        names = columns.split(" | ") if isinstance(columns, str) else columns
        cells = tuple(map(_cells, given))
        self._tables.append(Table(title, tuple(given[0] if names is None else names), cells))

    def curves(
        self,
        title: str,
        x_label: str,
        y_label: str,
        *series: Series,
        x_log: bool = False,
        y_log: bool = False,
        levels: Mapping[float, str] | None = None,
        marks: Mapping[float, str] | None = None,
        caption: str = "",
    ) -> None:
        """A figure of series over a common axis.

        Args:
            x_log, y_log: equal ratios as equal steps.
            levels: what horizontal lines are, by the y where they lie, such as chance.
            marks: what vertical lines are, by their x.
        """
        x, y = (
            Axis(label, "log" if log else "linear")
            for label, log in ((x_label, x_log), (y_label, y_log))
        )
        lines = tuple((levels or {}).items()), tuple((marks or {}).items())
        self._figures.append(Curves(title, x, y, series, *lines, caption))

    def bars(
        self,
        title: str,
        label: str,
        groups: Iterable[str],
        *parts: Part,
        log: bool = False,
        caption: str = "",
    ) -> None:
        """A figure of bars, each group with one of every part."""
        axis = Axis(label, "log" if log else "linear")
        self._figures.append(Bars(title, axis, tuple(groups), parts, caption))

    def images(
        self,
        title: str,
        pictures: Num[Tensor, "n h w *c"],
        names: Iterable[str] = (),
        columns: int = 8,
        caption: str = "",
    ) -> None:
        """Pictures in rows, from bytes or from numbers of 0 (black) to 1 (white)."""
        self._figures.append(images(title, pictures, tuple(names), columns, caption))

    def takes(self, text: str) -> None:
        """Say what it would take to decide, where the rule says `undecided`."""
        self._takes = text

    def because(self, text: str) -> Evidence:
        """All of it, with the paragraph that explains it; its lines are joined by spaces."""
        because = " ".join(filter(None, map(str.strip, text.splitlines())))
        tables, figures = tuple(self._tables), tuple(self._figures)
        return Evidence(self._effects, tables, figures, because, self._takes)


def _cells(row: Mapping[str, Any] | Iterable[Any]) -> tuple[Cell, ...]:
    return tuple(map(_cell, row.values() if isinstance(row, Mapping) else row))


def _cell(value: Any) -> Cell:
    cell: Cell = value.item() if isinstance(value, Tensor | np.generic) else value
    return cell
