"""The result of a comparison, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cutaway.learn.compare import Comparison, Difference, Side
from cutaway.learn.compare.result import Standing
from cutaway.learn.compare.sides import Key
from cutaway.learn.metrics import Metric
from cutaway.learn.stats import Estimate
from cutaway.show.origins import setting
from cutaway.show.words import MINUS, SPACE, listed, plural


@dataclass(frozen=True)
class Row:
    """A side as the table of results has it; the first has no difference."""

    side: Side
    figure: str
    interval: str
    gain: str = ""
    span: str = ""
    p: str = ""
    seen: bool = False


def rows(comparison: Comparison) -> list[Row]:
    """A row a side."""
    differences = {one.side.name: one for one in comparison.differences}
    return [_row(comparison, one, differences.get(one.side.name)) for one in comparison.standings]


def _row(comparison: Comparison, one: Standing, other: Difference | None) -> Row:
    own = (one.side, *standing(comparison, one))
    if other is None:
        return Row(*own)
    by = amount(comparison.metric, other.gain.value, other.gain)
    return Row(*own, by, interval(comparison.metric, other.gain), tail(other.p), other.seen)


def sentences(comparison: Comparison) -> list[str]:
    """The result first, a sentence a difference, each with what it takes to see one."""
    return [
        f"{outcome(comparison, one)} {planning(comparison, one)}".strip()
        for one in comparison.differences
    ]


def outcome(comparison: Comparison, one: Difference) -> str:
    """`B is better than A by 0.4 points (98.6 % against 98.2 %), 95 % interval 0.1 to 0.7; ...`."""
    first, other = comparison.first.name, one.side.name
    gain = one.gain if one.gain.value >= 0 else one.gain.times(-1)
    ahead, behind = (other, first) if one.gain.value >= 0 else (first, other)
    by, span = amount(comparison.metric, gain.value, gain), interval(comparison.metric, gain)
    values = {s.side.name: standing(comparison, s)[0] for s in comparison.standings}
    beside = f"({values[ahead]} against {values[behind]})"
    stands = f"{basis(one)}, {probability(one.p)}."
    if one.seen:
        return f"{ahead} is better than {behind} by {by} {beside}, 95 % interval {span}; {stands}"
    if not gain.value:
        return f"{first} and {other} came out equal {beside}, 95 % interval {span}; {stands}"
    return (
        f"Whether {first} or {other} is better cannot be decided: {ahead} came out better by {by} "
        f"{beside}, but the 95 % interval is {span}; {stands}"
    )


def basis(one: Difference) -> str:
    """`9 seeds, paired by seed`."""
    if not one.by:
        return f"{plural(one.count, one.unit)} each, not paired"
    if one.unit == "image":
        return f"{plural(one.count, 'image')}, the same for both"
    return f"{plural(one.count, one.unit)}, paired by {listed(one.by)}"


def planning(comparison: Comparison, one: Difference) -> str:
    """The difference that so many seeds or images detect, and how many this one would take."""
    if not one.visible:
        return ""
    seen = amount(comparison.metric, one.visible, one.gain)
    here = f"{plural(one.count, one.unit)}{'' if one.by else ' each'}"
    shows = f"{here} detect a difference of {seen} or more 8 times in 10 (80 % power)"
    if one.seen or not one.gain.value:
        return f"{shows}."
    if one.needed:
        about = plural(_rounded(one.needed), one.unit)
        return f"{shows}; to detect one as small as this would take about {about}."
    why = ", since all learn from the same images" if comparison.overlap else ""
    return f"{shows}; no number of {one.unit}s would detect one as small as this{why}."


def _rounded(count: int) -> int:
    """Two digits of what is large and rough."""
    return round(count, 2 - len(str(count))) if count > 100 else count


def notes(comparison: Comparison) -> list[str]:
    """The assumptions behind the figures, and their limits."""
    several, sentences = len(comparison.differences), [_scope(comparison)]
    if several > 1:
        sentences.append(
            f"p is raised by Holm's correction, since {several} differences were tested at once; "
            "each interval stands by itself."
        )
    sentences += [_alone(comparison, one) for one in comparison.differences if one.only]
    return [*sentences, _looks(comparison)]


def _scope(comparison: Comparison) -> str:
    images = plural(comparison.images, f"{comparison.on} image")
    if comparison.fleets and comparison.overlap:
        return (
            "The replicates divide the same images, each in its own way, so that they are "
            "trained on much the same images: intervals and p are widened for that (Nadeau and "
            "Bengio 2003)."
        )
    if comparison.fleets:
        return (
            f"All were evaluated on the same {images}: the intervals say how the figures would "
            "vary if the networks were trained again, not how they would on other images."
        )
    if torch.equal(comparison.first.runs[0].split.train, comparison.first.runs[0].split.test):
        return (
            f"These {images} are all there are, and were trained on: the results are exact for "
            "them, and the intervals only say how little so few can show."
        )
    groups = (
        f" They are in {plural(comparison.groups, 'group')} of related ones, which are resampled "
        "whole."
        if comparison.groups
        else ""
    )
    unknown = (
        f" Which of them are related is not known, so each counts by itself: {comparison.problem}"
        if comparison.problem
        else ""
    )
    return (
        f"The intervals say how the figures would vary on other images like these {images}, not if "
        f"the networks were trained again: for that, compare fleets (--replicates)."
        f"{groups}{unknown}"
    )


def _alone(comparison: Comparison, one: Difference) -> str:
    assert one.only is not None
    ours, theirs = one.only
    return (
        f"{comparison.first.name} alone is right on {plural(ours, 'image')}, {one.side.name} alone "
        f"on {plural(theirs, 'image')}."
    )


def _looks(comparison: Comparison) -> str:
    if comparison.looked:
        text = (
            "The runs were evaluated again, and each has logged this evaluation in its looks.jsonl."
        )
    else:
        text = "The results saved at the end of training are compared; nothing was evaluated again."
    if comparison.on == "test":
        text += " To choose between runs, compare them --on val: the test set is not for choosing."
    return text


def name(comparison: Comparison) -> str:
    """The name of the metric."""
    own = "" if comparison.fleets else comparison.metric.of_examples
    return own or comparison.metric.label


def standing(comparison: Comparison, one: Standing) -> tuple[str, str]:
    """A side's figure and its interval, as precise as the surest side deserves."""
    metric, digits = comparison.metric, decimals(comparison)
    unit = f"{SPACE}{metric.unit}".rstrip()
    value, low, high = (
        number(v * scale(metric), digits)
        for v in (one.estimate.value, one.estimate.low, one.estimate.high)
    )
    return f"{value}{unit}", f"{low} to {high}"


def decimals(comparison: Comparison) -> int:
    """Of the figures of all sides."""
    return max(places(comparison.metric, one.estimate) for one in comparison.standings)


def amount(metric: Metric, value: float, beside: Estimate) -> str:
    """A difference with its unit."""
    text = number(value * scale(metric), places(metric, beside))
    return f"{text}{SPACE}{apart(metric)}".rstrip()


def apart(metric: Metric) -> str:
    """The unit of a difference: points of per cent, dB, nats, or nothing."""
    return "points" if metric.share else metric.unit


def interval(metric: Metric, estimate: Estimate) -> str:
    """`0.1 to 0.7`."""
    ends = (estimate.low, estimate.high)
    low, high = (number(v * scale(metric), places(metric, estimate)) for v in ends)
    return f"{low} to {high}"


def probability(p: float) -> str:
    return f"p {tail(p)}" if p < 0.001 else f"p = {tail(p)}"


def tail(p: float) -> str:
    """A p by itself."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def scale(metric: Metric) -> int:
    """Shares are written in per cent."""
    return 100 if metric.share else 1


def places(metric: Metric, estimate: Estimate) -> int:
    """Decimals that show two digits of half the interval."""
    half = (estimate.high - estimate.low) / 2 * scale(metric)
    return min(4, max(0, 1 - math.floor(math.log10(half)))) if half > 0 else 2


def number(value: float, places: int) -> str:
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) else text


def settings(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """The fields of the recipes that differ, each side's value as text."""
    return [
        (name.replace("_", " ").replace(".", ": "), tuple(map(setting, values)))
        for name, values in comparison.settings.items()
    ]


def replicate(at: Key, by: Sequence[str]) -> str:
    """`seed 3, fold 1/5`."""
    return ", ".join(f"{word} {getattr(at, word)}" for word in by)
