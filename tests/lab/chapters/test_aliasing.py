"""Claim 5.19: answers that change when a picture moves by a pixel."""

import pytest
import torch
from helpers.effects import planted

from cutaway import lab
from cutaway.lab.chapters.convolution.aliasing import (
    BLURRED,
    DENSE,
    MAX,
    POOLS,
    BlurredMax,
    changes,
    moved,
    network,
    steadier,
)
from cutaway.lab.evidence import Verdict
from cutaway.models.parts.layers import WeightedPool2d
from cutaway.models.registry import count
from cutaway.randomness import generator

STEADY = planted(pooled=(-9, -7), blurred=(-5, -3), price=(-0.5, 0.5))


def said(**changed):
    return steadier(**(STEADY | planted(**changed)))


def test_the_rule():
    assert said() is Verdict.HOLDS
    assert said(pooled=(1, 2)) is Verdict.LIMITED
    assert said(blurred=(1, 2)) is Verdict.LIMITED
    assert said(price=(-9, -3)) is Verdict.LIMITED
    assert said(pooled=(1, 2), price=(-9, -3)) is Verdict.FAILS
    assert said(price=(-3, 1)) is Verdict.UNDECIDED
    assert said(blurred=(-1, 1)) is Verdict.UNDECIDED


def test_pictures_move():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    assert moved(x, 1, 0)[0, 0].tolist() == [[0, 0, 0], [0, 1, 2], [3, 4, 5]]
    assert moved(x, 0, -1)[0, 0].tolist() == [[1, 2, 0], [4, 5, 0], [7, 8, 0]]
    assert torch.equal(moved(x, 0, 0), x)


def test_changes_are_counted():
    still = torch.tensor([[[1, 2]], [[3, 3]]])
    now = torch.tensor([[[1, 2], [1, 0]], [[3, 3], [3, 3]]])
    assert changes(still, now).tolist() == [25, 0]


def test_a_blurred_maximum_is_what_it_says():
    z = torch.randn(2, 3, 8, 8, generator=generator(0))
    highest = torch.nn.functional.max_pool2d(
        torch.nn.functional.pad(z, (0, 1, 0, 1), "replicate"), 2, 1
    )
    torch.testing.assert_close(BlurredMax()(z), WeightedPool2d(3, 2, 1)(highest))


def test_it_moves_less_than_the_maximum():
    z = torch.randn(1, 16, 32, 32, generator=generator(0)).relu()
    change = {}
    for kind in (MAX, BLURRED):
        pool = POOLS[kind]()
        still, now = pool(z), pool(z.roll(1, 3))
        change[kind] = (still - now).norm() / (still - still.mean()).norm()
    assert change[BLURRED] < change[MAX]


def test_networks_are_equal():
    sizes = {kind: count(network(kind, 16, 4)) for kind in (*POOLS, DENSE)}
    assert len({sizes[kind] for kind in POOLS}) == 1
    assert sizes[DENSE] == pytest.approx(sizes[MAX], rel=0.1)


def test_5_19_in_short():
    finding = lab.claim("5.19").run(steps=2, replicates=2, examples=50, maps=1)
    assert finding.verdict in Verdict
    assert [row[0] for row in finding.evidence.tables[0].rows] == [*POOLS, DENSE]
