"""What the race came to: tables of figures and of ratios with their intervals."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.kept import table
from bench.peers.works import LIMIT, MARKS, WORKS
from bench.race import PEERS, Found
from cutaway.learn.stats import student

Rows = Sequence[dict[str, Found]]
OURS = "cutaway"


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the peer we are, with a 95 % interval over the rounds.

    The mean and the interval (Student's) are of the logarithms. One round has no interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.low):
            return figure(self.value)
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"


@dataclass(frozen=True)
class Table:
    """Cells ready to be read.

    Attributes:
        before: what stands above it, a paragraph.
    """

    name: str
    title: str
    before: str
    command: str
    head: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        cells = table(self.head, self.rows)
        return f"### {self.title}\n\n    {self.command}\n\n{self.before}\n\n{cells}\n"


def ratio(rows: Rows, peer: str, of: Callable[[Found], float | None]) -> Ratio | None:
    """Our figure over the peer's in each round where both have one."""
    pairs = [(of(row.get(OURS, {})), of(row.get(peer, {}))) for row in rows]
    logs = [math.log(a / b) for a, b in pairs if a and b]
    if not logs:
        return None
    if len(logs) == 1:
        return Ratio(math.exp(logs[0]), math.nan, math.nan)
    found = student(logs)
    return Ratio(math.exp(found.value), math.exp(found.low), math.exp(found.high))


def middle(rows: Rows, peer: str, of: Callable[[Found], float | None]) -> float | None:
    """The median over the rounds."""
    values = [value for row in rows if (value := of(row.get(peer, {})))]
    return statistics.median(values) if values else None


def figure(value: float | None) -> str:
    """Three digits that count, thousands apart."""
    if value is None:
        return "–"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 2)}f}"


def rate(found: Found) -> float | None:
    return found.get("rate")


def tables(kept: dict[str, Any]) -> list[Table]:
    """All that was measured so far."""
    found = []
    if same := kept.get("same"):
        found += [_rates(same), _starts(same), _memory(same)]
    if example := kept.get("example"):
        found.append(_examples(example))
    if predict := kept.get("predict"):
        found.append(_predict(predict))
    if folder := kept.get("folder"):
        found.append(_folder(**folder))
    return found


def raced(found: Sequence[Rows]) -> list[str]:
    """The peers that were in one of these races, in their usual order."""
    there = {name for rows in found for row in rows for name in row}
    return [name for name in PEERS if name in there - {OURS}]


def racers(found: Sequence[Rows]) -> list[str]:
    """Cutaway and those peers."""
    return [OURS, *raced(found)]


def titles(of: Sequence[str]) -> list[str]:
    return [PEERS[name].title for name in of]


def _rates(same: dict[str, Rows]) -> Table:
    rows, others = [], raced([*same.values()])
    for work, found in same.items():
        cells = [_against(found, peer) for peer in others]
        ratios = [one.value for peer in others if (one := ratio(found, peer, rate))]
        median = figure(statistics.median(ratios)) if ratios else "–"
        ours = figure(middle(found, OURS, rate))
        rows.append([WORKS[work].title, ours, *cells, f"**{median}**"])
    return Table(
        "same", "The same work: images a second",
        "How many times as fast Cutaway trains as each peer, with a 95 % interval. Same network, "
        "data, batch, epochs, optimizer and precision; steps, data and augmentation included, the "
        "first epoch (start, compilation) and evaluation not.",
        "python -m bench same",
        ["work", "Cutaway, images/s", *titles(others), "median peer"], rows,
    )  # fmt: skip


def _against(found: Rows, peer: str) -> str:
    compared = ratio(found, peer, rate)
    if compared:
        return str(compared)
    last = found[0].get(peer, {})
    return "fails" if "failed" in last else "has none" if "skipped" in last else "–"


def _each(same: dict[str, Rows], of: Callable[[Found], float | None]) -> list[list[str]]:
    return [
        [WORKS[work].title, *(figure(middle(found, peer, of)) for peer in racers([*same.values()]))]
        for work, found in same.items()
    ]


def _starts(same: dict[str, Rows]) -> Table:
    return Table(
        "starts", "Seconds from the prompt to the end of the first step",
        "Imports, reading the data, building and compiling included; medians.",
        "python -m bench same", ["work", *titles(racers([*same.values()]))],
        _each(same, lambda found: found.get("first_step")),
    )  # fmt: skip


def _memory(same: dict[str, Rows]) -> Table:
    return Table(
        "memory", "Peak memory in MB",
        "Of the process and its workers together, pages that they share counted once; medians.",
        "python -m bench same", ["work", *titles(racers([*same.values()]))],
        _each(same, lambda found: found.get("peak_mb") if "rate" in found else None),
    )  # fmt: skip


def reached(found: Found, mark: float) -> float | None:
    """Seconds from the prompt until an epoch ended at `mark` or above."""
    return next((when for when, accuracy in found.get("marks", []) if accuracy >= mark), None)


def _examples(found: Rows) -> Table:
    rows = []
    for peer in racers([found]):
        marks = [middle(found, peer, lambda one, m=mark: reached(one, m)) for mark in MARKS]
        times = [
            ratio(found, peer, lambda one, m=mark: _inverse(reached(one, m))) for mark in MARKS
        ]
        looks = [mark for row in found for mark in row.get(peer, {}).get("marks", [])]
        last = max(looks, key=lambda mark: mark[1], default=None)
        end = f"{100 * last[1]:.2f} % after {figure(last[0])} s" if last else "–"
        rows.append([
            PEERS[peer].title,
            *(f"{figure(s)} s" if s else "not reached" if looks else "not run" for s in marks),
            *(str(t) if t and peer != OURS else "–" for t in times),
            end,
        ])  # fmt: skip
    heads = [f"{100 * mark:.1f} %" for mark in MARKS]
    return Table(
        "example", "Each peer's own example: from the prompt to 99.0 % and 99.4 % on MNIST",
        "Imports, data and compilation included, looks at the test set not. Each peer runs the "
        "example of its own documentation with its own network and settings until 99.4 %, its own "
        f"number of epochs or {LIMIT} seconds. Ratios: how many times sooner Cutaway is there.",
        "python -m bench example",
        ["", *heads, *(f"sooner to {head}" for head in heads), "in the end"], rows,
    )  # fmt: skip


def _inverse(seconds: float | None) -> float | None:
    return 1 / seconds if seconds else None


def _predict(found: Rows) -> Table:
    def wall(one: Found) -> float | None:
        return one.get("wall")

    rows = [
        [
            PEERS[peer].title,
            figure(middle(found, peer, wall)),
            str(ratio(found, peer, lambda one: _inverse(wall(one))) or "–")
            if peer != OURS
            else "–",
        ]
        for peer in racers([found])
    ]
    return Table(
        "predict", "One answer from the prompt, in seconds",
        "Start, load a trained LeNet-5, read a PNG, answer.",
        "python -m bench predict", ["", "seconds", "Cutaway is faster by"], rows,
    )  # fmt: skip


def _folder(images: int, tenth: Rows, all: Rows) -> Table:
    found = [
        _beyond(few, many, images - images // 10) for few, many in zip(tenth, all, strict=True)
    ]
    rows = [
        [
            PEERS[peer].title,
            figure(middle(found, peer, rate)),
            *(figure(middle(part, peer, lambda one: one.get("wall"))) for part in (tenth, all)),
            figure(middle(all, peer, lambda one: one.get("peak_mb"))),
            str(ratio(found, peer, rate) or "–") if peer != OURS else "–",
        ]
        for peer in racers([found])
    ]
    return Table(
        "folder", f"Answers to a folder of {images:,} digits",
        "The same network, PNG files of 28 x 28 pixels, and a table of the answers at the end. "
        "Images a second beyond the first tenth, so that the start counts for none of them.",
        "python -m bench folder", [
            "", "images a second", f"seconds for {images // 10:,}", f"for {images:,}", "peak MB",
            "Cutaway is faster by",
        ], rows,
    )  # fmt: skip


def _beyond(few: dict[str, Found], many: dict[str, Found], more: int) -> dict[str, Found]:
    """Images a second of those that the larger folder has more."""
    both = {name for name in {*few} & {*many} if "wall" in few[name] and "wall" in many[name]}
    return {name: {"rate": more / (many[name]["wall"] - few[name]["wall"])} for name in both}
