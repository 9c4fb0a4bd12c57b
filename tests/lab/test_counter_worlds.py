"""No rule is fooled by a world that was made to fool it, nor by an interval that is wide."""

import inspect
import math
import random
from collections.abc import Iterator

import pytest
from helpers import counter_worlds
from helpers.counter_worlds import Effects

from cutaway import lab
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.evidence import Effect, Verdict

TABLE = {
    number: worlds
    for chapter in CHAPTERS
    for number, worlds in counter_worlds.chapter(chapter)[0].items()
}
ROWS = [
    pytest.param(number, world, id=f"{number}-{world.kind}-{place}")
    for number, worlds in TABLE.items()
    for place, world in enumerate(worlds)
]
PLANTED = {
    number: [world.effects for world in worlds if not callable(world.effects)]
    for number, worlds in TABLE.items()
}
UNDONE = {
    (Verdict.HOLDS, Verdict.LIMITED),
    (Verdict.HOLDS, Verdict.FAILS),
    (Verdict.LIMITED, Verdict.FAILS),
    (Verdict.FAILS, Verdict.HOLDS),
}
"""What an interval says, and what a value within it must not say. Within the margin of a rule a
value may be too small to matter and yet be there for certain: 'does not hold' and 'with limits'."""


@pytest.mark.parametrize(("number", "world"), ROWS)
def test_a_rule_is_not_fooled(number, world):
    verdict = lab.claim(number).decide(world.measured())
    assert world.right(verdict), f"{world.what} {verdict}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_claim_stands_in_the_table(chapter):
    worlds, exempt = counter_worlds.chapter(chapter)
    assert not set(worlds) & set(exempt)
    assert {one.number for one in lab.claims(chapter)} == set(worlds) | set(exempt)
    for number in worlds:
        if any(not effect.exact for effects in PLANTED[number] for effect in effects.values()):
            assert "wide interval" in {one.kind for one in worlds[number]}, number


@pytest.mark.parametrize("number", TABLE)
def test_imprecision_is_never_rewarded(number):
    """A verdict over an interval is not undone by a measurement that is exact and lies in it."""
    rule = lab.claim(number).rule
    asked = inspect.signature(rule).parameters
    planted = [{name: one[name] for name in asked} for one in PLANTED[number]]
    for effects, name, low, high in intervals(planted):
        over = rule(**effects | {name: between(effects[name], low, high)})
        for value in (low, high):
            within = rule(**effects | {name: between(effects[name], value, value)})
            assert (over, within) not in UNDONE, (name, low, high, value, effects)


def intervals(planted: list[Effects]) -> Iterator[tuple[Effects, str, float, float]]:
    """Exact effects around those that were planted, and an interval for one of them."""
    draw = random.Random(0)
    ends = {
        name: finite_ends([one[name] for one in planted])
        for name in sorted(n for one in planted for n, effect in one.items() if not effect.exact)
    }
    for effects in planted * 100:
        exactly = dict(effects)
        spans = {}
        for name, finite in ends.items():
            low, high = finite or (effects[name].value,) * 2
            spans[name] = (high - low) or abs(high) or 1
            value = draw.uniform(low - spans[name] / 2, high + spans[name] / 2)
            exactly[name] = between(effects[name], value, value)
        for name, span in spans.items():
            value = exactly[name].value
            other = value + draw.uniform(-span, span)
            yield exactly, name, min(value, other), max(value, other)


def finite_ends(effects: list[Effect]) -> tuple[float, float] | None:
    """The lowest and the highest end of their intervals; None where all are endless."""
    ends = [end for e in effects for end in (e.low, e.high) if math.isfinite(end)]
    return (min(ends), max(ends)) if ends else None


def between(effect: Effect, low: float, high: float) -> Effect:
    return Effect(effect.what, (low + high) / 2, low, high, effect.n, effect.unit)
