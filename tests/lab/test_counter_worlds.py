"""No rule is fooled by a world that was made to fool it, nor by an interval that is wide."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace

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
    claim = lab.claim(number)
    for effects, name, low, high in intervals(PLANTED[number]):
        over = claim.decide(effects | {name: between(effects[name], low, high)})
        for value in (low, high):
            within = claim.decide(effects | {name: between(effects[name], value, value)})
            assert (over, within) not in UNDONE, (name, low, high, value, effects)


def intervals(planted: list[Effects]) -> Iterator[tuple[Effects, str, float, float]]:
    """Exact effects around those that were planted, and an interval for one of them."""
    draw = random.Random(0)
    names = {n for one in planted for n, effect in one.items() if not effect.exact}
    for effects in planted * 100:
        exactly = dict(effects)
        spans = {}
        for name in sorted(names & set(effects)):
            ends = [e for one in planted if name in one for e in (one[name].low, one[name].high)]
            finite = [end for end in ends if math.isfinite(end)] or [effects[name].value]
            low, high = min(finite), max(finite)
            spans[name] = (high - low) or abs(high) or 1
            value = draw.uniform(low - spans[name] / 2, high + spans[name] / 2)
            exactly[name] = between(effects[name], value, value)
        for name, span in spans.items():
            value = exactly[name].value
            other = value + draw.uniform(-span, span)
            yield exactly, name, min(value, other), max(value, other)


def between(effect: Effect, low: float, high: float) -> Effect:
    return replace(effect, value=(low + high) / 2, low=low, high=high)
