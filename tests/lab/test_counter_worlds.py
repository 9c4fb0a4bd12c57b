"""No rule is fooled by a world that was made to fool it."""

import pytest
from helpers import counter_worlds

from cutaway import lab
from cutaway.lab.chapters import CHAPTERS

ROWS = [
    pytest.param(number, world, id=f"{number}-{world.kind}-{place}")
    for chapter in CHAPTERS
    for number, worlds in counter_worlds.chapter(chapter)[0].items()
    for place, world in enumerate(worlds)
]


@pytest.mark.parametrize(("number", "world"), ROWS)
def test_a_rule_is_not_fooled(number, world):
    verdict = lab.claim(number).decide(world.measured())
    assert world.right(verdict), f"{world.what} {verdict}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_claim_stands_in_the_table(chapter):
    worlds, exempt = counter_worlds.chapter(chapter)
    assert not set(worlds) & set(exempt)
    assert {one.number for one in lab.claims(chapter)} == set(worlds) | set(exempt)
    for number, some in worlds.items():
        measured = [one.measured() for one in some]
        if any(not effect.exact for effects in measured for effect in effects.values()):
            assert "wide interval" in {one.kind for one in some}, number
