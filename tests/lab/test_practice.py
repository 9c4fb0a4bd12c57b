"""Chapter 8: rules on planted effects, quick runs, and worked values."""

import pytest
import torch

from cutaway import lab
from cutaway.lab.chapters.practice.attacks import set_at_random
from cutaway.lab.evidence import Effect, Verdict

HOLDS, LIMITED, FAILS, UNDECIDED = Verdict


def planted(**values: float | tuple[float, float]) -> dict[str, Effect]:
    """Effects of known intervals; a number is exact."""
    pairs = {k: v if isinstance(v, tuple) else (v, v) for k, v in values.items()}
    return {k: Effect(k, (a + b) / 2, a, b, 8) for k, (a, b) in pairs.items()}


@pytest.mark.parametrize(
    ("number", "effects", "expected"),
    [
        ("8.1", planted(turned=(80, 90), chance=(0, 4)), HOLDS),
        ("8.1", planted(turned=(20, 30), chance=(0, 4)), LIMITED),
        ("8.1", planted(turned=(80, 90), chance=(30, 40)), LIMITED),
        ("8.1", planted(turned=(5, 30), chance=(0, 4)), UNDECIDED),
        ("8.1", planted(turned=(0, 4), chance=(0, 4)), FAILS),
    ],
)
def test_rules(number, effects, expected):
    assert lab.claim(number).decide(effects) is expected


def test_one_pixel_is_set():
    x = torch.full((3, 1, 2, 2), 0.5)
    found = set_at_random(x, torch.tensor([0, 3, 1]), 0.0, 1.0, torch.Generator().manual_seed(0))
    changed = (found != x).flatten(1)
    assert changed.nonzero().tolist() == [[0, 0], [1, 3], [2, 1]]
    assert set(found[found != 0.5].tolist()) <= {0.0, 1.0}


def test_few_pixels_turn_answers():
    found = lab.claim("8.1").run(replicates=2, count=8, pixels=3, steps=100)
    assert found.evidence.effects["turned"].value > 50 > found.evidence.effects["chance"].value
