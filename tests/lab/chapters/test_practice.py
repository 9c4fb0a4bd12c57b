"""Chapter 8: rules on planted effects, quick runs, and worked values."""

import math

import pytest
import torch
from helpers.command import process
from helpers.effects import planted

from cutaway import lab
from cutaway.data.sources import load
from cutaway.lab.chapters.practice.attacks import set_at_random
from cutaway.lab.chapters.practice.dense import (
    built,
    convolutional,
    equal_width,
    multiplications,
    trained_accuracy,
)
from cutaway.lab.chapters.practice.eight_bits import Few, quantised, size_of
from cutaway.lab.chapters.practice.graphs import Chooses, can_compile, layers_seen, refuses
from cutaway.lab.evidence import Verdict
from cutaway.lab.tools.samples import samples
from cutaway.models.mlp import MLP

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


@pytest.mark.parametrize(
    ("number", "effects", "expected"),
    [
        ("8.1", planted(turned=(80, 90), chance=(0, 4)), HOLDS),
        ("8.1", planted(turned=(20, 30), chance=(0, 4)), LIMITED),
        ("8.1", planted(turned=(80, 90), chance=(30, 40)), LIMITED),
        ("8.1", planted(turned=(5, 30), chance=(0, 4)), UNDECIDED),
        ("8.1", planted(turned=(0, 4), chance=(0, 4)), FAILS),
        ("8.2", planted(size=0.26, lost=(-0.1, 0.2), faster=(1.2, 1.5)), HOLDS),
        ("8.2", planted(size=0.26, lost=(-0.1, 0.2), faster=(0.5, 0.7)), LIMITED),
        ("8.2", planted(size=0.26, lost=(-1, 2), faster=(1.2, 1.5)), UNDECIDED),
        ("8.2", planted(size=0.26, lost=(3, 5), faster=(1.2, 1.5)), FAILS),
        ("8.2", planted(size=1, lost=(-0.1, 0.2), faster=(1.2, 1.5)), FAILS),
        ("8.3", planted(opened=100, closed=0, same=1, compiled=(1.5, 2)), HOLDS),
        ("8.3", planted(opened=100, closed=0, same=1, compiled=(0.8, 1.2)), LIMITED),
        ("8.3", planted(opened=100, closed=0, same=1, compiled=math.nan), UNDECIDED),
        ("8.3", planted(opened=100, closed=100, same=1, compiled=(1.5, 2)), FAILS),
        ("8.3", planted(opened=100, closed=0, same=0, compiled=(1.5, 2)), FAILS),
        ("8.4", planted(large=(1, 3), small=(0.5, 2)), HOLDS),
        ("8.4", planted(large=(1, 3), small=(-9, -5)), LIMITED),
        ("8.4", planted(large=(-1, 1), small=(0.5, 2)), LIMITED),
        ("8.4", planted(large=(-1, 1), small=(-1, 1)), UNDECIDED),
        ("8.4", planted(large=(-3, -1), small=(-1, 1)), UNDECIDED),
        ("8.4", planted(large=(-3, -1), small=(-9, -5)), FAILS),
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
    finding = lab.claim("8.1").run(replicates=2, count=8, pixels=3, steps=100)
    assert finding.evidence.effects["turned"].value > 50 > finding.evidence.effects["chance"].value


def test_eight_bits_of_a_row():
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.27, -0.5, 0.004], [0.0, 0.0, 0.0]]))
    few = Few(layer)
    assert few.q.tolist() == [[127, -50, 0], [0, 0, 0]]
    x = torch.randn(5, 3)
    # No weight is further off than half a step of its row.
    assert (few.q * few.scale - layer.weight).abs().max() <= 0.005 + 1e-6
    assert torch.allclose(few(x), layer(x), atol=0.005 * 3 * x.abs().max().item())


def test_a_quarter_of_the_bytes():
    net = MLP(64, [256, 256], 10)
    small = quantised(net)
    assert 0.25 < size_of(small) / size_of(net) < 0.27
    assert isinstance(net.output, torch.nn.Linear)  # the network itself stays


def test_multiplications():
    # 14 x 14 x 5 of 25, 7 x 7 x 10 of 125, 10 of 490
    net = convolutional(5, 28)
    assert multiplications(net, 28) == 14 * 14 * 5 * 25 + 49 * 10 * 125 + 4900
    dense = MLP(784, [equal_width(5, 28)], 10)
    assert multiplications(dense, 28) == pytest.approx(multiplications(net, 28), rel=0.01)
    assert not net[0]._forward_hooks


def test_each_network_learns_from_its_own_draw():
    learned, tested = samples(load("digits"), 0, 200, 100)
    nets = [built("dense", 4, 8) for _ in range(2)]
    assert (trained_accuracy(nets, learned, tested, 100, 60, 0) > 60).all()


@pytest.mark.slow
def test_eight_bits_hold_with_limits():
    assert lab.claim("8.2").run().verdict is LIMITED


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own, where it exports
def test_what_can_be_opened_and_what_exported():
    net, x = MLP(64, [8, 8], 10).eval(), torch.randn(2, 1, 8, 8)
    assert layers_seen(net, x) == 100
    assert layers_seen(torch.export.export(net, (x,)).module(), x) == 0
    assert refuses(Chooses(), torch.randn(2, 4))
    assert not refuses(net, x)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_undecided_without_the_compiler():
    finding = lab.claim("8.3").run(depth=2, compiler=False)
    assert finding.verdict is UNDECIDED
    assert finding.evidence.effects["same"].value == 1


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler")
def test_what_is_compiled_is_faster():
    """In a process of its own: checked shapes are no part of what a compiler should see."""
    (found,) = process("prove", "8.3", "--json").json
    assert found["verdict"] == HOLDS.value
    assert found["effects"]["compiled"]["low"] > 1
