"""Chapter 8: rules on planted effects, quick runs, and worked values."""

import math
import os
import sys
from functools import partial
from importlib.util import find_spec

import pytest
import torch
from helpers.command import process
from helpers.effects import planted

from cutaway import lab
from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.lab.chapters.practice.attacks import as_much, attacked
from cutaway.lab.chapters.practice.dense import (
    accuracy_of,
    built,
    convolutional,
    equal_width,
    multiplications,
    trained,
    tuned,
)
from cutaway.lab.chapters.practice.eight_bits import Few, quantised, size_of, with_kernels
from cutaway.lab.chapters.practice.graphs import Chooses, can_compile, layers_seen, refuses
from cutaway.lab.evidence import Verdict, exact
from cutaway.lab.tools.samples import Samples, samples
from cutaway.models.mlp import MLP

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict
TENSORFLOW = os.environ.get("CUTAWAY_TENSORFLOW", "")
"""A Python that has TensorFlow."""


RIGHT = planted(right=(95, 97))
BITS = planted(right=(95, 97), coarse=(10, 20), lost=(-0.1, 0.2))
NARROW, WIDE = planted(small=(1.2, 1.5)), planted(large=(2, 3))
GRAPHS = planted(opened=100, closed=0, same=1)
TODAY = {name: exact(name, 0.0) for name in ("usage", "training", "hidden", "serving")}
TABLED = {name: exact(name, 1.0) for name in TODAY}


@pytest.mark.parametrize(
    ("number", "effects", "expected"),
    [
        ("8.1", RIGHT | planted(turned=(80, 90), extra=(60, 80)), HOLDS),
        ("8.1", RIGHT | planted(turned=(80, 90), extra=(10, 20)), LIMITED),
        ("8.1", RIGHT | planted(turned=(20, 30), extra=(6, 20)), LIMITED),
        ("8.1", RIGHT | planted(turned=(20, 30), extra=(4, 20)), UNDECIDED),
        ("8.1", RIGHT | planted(turned=(5, 30), extra=(6, 20)), UNDECIDED),
        ("8.1", RIGHT | planted(turned=(0, 4), extra=(0, 4)), FAILS),
        ("8.1", RIGHT | planted(turned=(80, 90), extra=(-2, 4)), FAILS),
        ("8.1", planted(turned=(80, 90), extra=(60, 80), right=(70, 85)), UNDECIDED),
        ("8.2", BITS | NARROW | WIDE | planted(size=0.26), HOLDS),
        ("8.2", BITS | planted(small=(0.4, 0.6)) | WIDE | planted(size=0.26), LIMITED),
        ("8.2", BITS | planted(small=(0.4, 0.6), large=(0.4, 0.6), size=0.26), LIMITED),
        ("8.2", BITS | planted(small=(0.9, 1.1)) | WIDE | planted(size=0.26), UNDECIDED),
        ("8.2", BITS | NARROW | WIDE | planted(lost=(-1, 2), size=0.26), UNDECIDED),
        ("8.2", BITS | NARROW | WIDE | planted(coarse=(0, 2), size=0.26), UNDECIDED),
        ("8.2", BITS | NARROW | WIDE | planted(right=(10, 12), size=0.26), UNDECIDED),
        ("8.2", BITS | NARROW | WIDE | planted(lost=(3, 5), size=0.26), FAILS),
        ("8.2", BITS | NARROW | WIDE | planted(size=1), FAILS),
        ("8.3", GRAPHS | planted(compiled=(1.5, 2)), HOLDS),
        ("8.3", GRAPHS | planted(compiled=(0.8, 0.9)), LIMITED),
        ("8.3", GRAPHS | planted(compiled=(0.8, 1.2)), UNDECIDED),
        ("8.3", GRAPHS | planted(compiled=math.nan), UNDECIDED),
        ("8.3", GRAPHS | planted(closed=100, compiled=(1.5, 2)), FAILS),
        ("8.3", GRAPHS | planted(same=0, compiled=(1.5, 2)), FAILS),
        ("8.4", planted(large=(1, 3), small=(0.5, 2)), HOLDS),
        ("8.4", planted(large=(1, 3), small=(-9, -5)), LIMITED),
        ("8.4", planted(large=(-1, 1), small=(0.5, 2)), LIMITED),
        ("8.4", planted(large=(1, 3), small=(-9, 5)), UNDECIDED),
        ("8.4", planted(large=(-1, 1), small=(-1, 1)), UNDECIDED),
        ("8.4", planted(large=(-3, -1), small=(-1, 1)), UNDECIDED),
        ("8.4", planted(large=(-3, -1), small=(-9, -5)), FAILS),
        ("8.5", TABLED | planted(faster=(1.1, 2)), HOLDS),
        ("8.5", TODAY | planted(faster=(1.1, 2)), LIMITED),
        ("8.5", TODAY | {"hidden": exact("", 1.0)} | planted(faster=(0.5, 2)), LIMITED),
        ("8.5", TODAY | planted(faster=(0.5, 2)), UNDECIDED),
        ("8.5", TODAY | planted(faster=(0.5, 0.9)), FAILS),
        ("8.5", {name: exact(name, math.nan) for name in TODAY} | planted(faster=1), UNTESTED),
    ],
)
def test_rules(number, effects, expected):
    assert lab.claim(number).decide(effects) is expected


def test_a_pixel_as_bright_is_changed_by_as_much():
    """Of the pixels that are as bright as the chosen one was, and that nobody has touched yet."""
    before = torch.zeros(200, 1, 4, 4)
    before[:, 0, :2] = 1
    after = before.clone()
    after[:, 0, 0, 0] = 0.25  # a light one, darker by 0.75
    touched = torch.zeros(200, 1, 4, 4, dtype=torch.bool)
    touched[:, 0, 0] = True
    g = torch.Generator().manual_seed(0)
    found, used = as_much(before, after, before, touched, (0.0, 1.0), g)
    changed = (found != before).flatten(1)
    assert (changed.sum(1) == 1).all()
    assert set(changed.nonzero()[:, 1].tolist()) == {4, 5, 6, 7}  # the light ones left over
    assert found[found != before].unique().tolist() == [0.25]
    assert ((used & ~touched).flatten(1) == changed).all()


def test_a_pixel_of_no_such_brightness():
    """The nearest is taken, and no value leaves the range."""
    before, x = torch.ones(1, 1, 1, 3), torch.tensor([0.0, 0.5, 0.2]).view(1, 1, 1, 3)
    after = before.clone()
    after[..., 0] = 0
    none = torch.zeros_like(x, dtype=torch.bool)
    found, _ = as_much(before, after, x, none, (0.0, 1.0), torch.Generator().manual_seed(0))
    assert found.flatten().tolist() == pytest.approx([0, 0, 0.2])


def test_an_attack_where_it_is_known():
    """A network that looks at one pixel is turned by that pixel, and hardly by a random one."""

    class Corner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            s = self.w * (x[:, 0, 0, 0] - 0.5)
            return torch.stack([-s, s], 1)

    g = torch.Generator().manual_seed(0)
    x = (torch.rand(200, 1, 8, 8, generator=g) < 0.5).float()
    found = attacked(Corner(), Samples(x, x[:, 0, 0, 0].long()), 40, 2, (0, 0))
    strong, weak, chance = found.turned
    assert strong.tolist() == weak.tolist() == [0, 100, 100]
    assert chance[0] == 0
    assert chance[1] < 15  # one of 32 alike
    assert found.stages.shape == (3, 40, 1, 8, 8)
    assert int((found.stages[1] != found.stages[0]).sum()) == 40
    pictures, names = found.shown(1)
    assert len(pictures) == len(names) == 8
    assert names[0] != names[1].removeprefix("now ")


def test_one_pixel_turns_some_answers():
    finding = lab.claim("8.1").run(replicates=2, count=10, pixels=3, steps=100)
    effects = finding.evidence.effects
    assert effects["part"].value == 100 / 64
    assert effects["random"].value <= effects["turned"].value
    curve = finding.evidence.tables[0].rows
    assert [row[0] for row in curve] == [0, 1, 2, 3]
    assert curve[3][2] > 50  # three chosen pixels, of 64


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


def test_whole_numbers_answer_as_the_network():
    net = MLP(64, [32], 10).eval()
    x = torch.rand(40, 1, 8, 8)
    small = with_kernels(net)
    assert small is not None
    with torch.no_grad():
        far = (small(x) - net(x)).abs().max() / net(x).std()
    assert 0 < far < 0.1
    assert isinstance(net.output, torch.nn.Linear)  # the network itself stays


def test_the_best_rate_is_chosen_on_validation_images():
    learned, tested = samples(load("digits"), 0, 500, 200)
    rate, right = tuned(partial(built, "dense", 4, 8), 2, (1e-6, 0.01), learned, tested, 100, 60, 0)
    assert rate == 0.01
    assert (right > 60).all()


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
    assert (accuracy_of(trained(nets, learned, 100, 60, 0.005, 0), tested) > 60).all()


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


@pytest.mark.skipif(bool(find_spec("tensorflow")), reason="TensorFlow is here")
def test_where_there_is_no_tensorflow():
    finding = lab.claim("8.5").run()
    assert finding.verdict is UNTESTED
    assert "No TensorFlow is installed here" in finding.evidence.because
    assert "tensorflow-cpu" in finding.evidence.takes
    tried, known = finding.evidence.tables
    assert [row[1] for row in tried.rows] == [
        "yes",
        "yes",
        "100 %",
        "0 %",
        "yes",
        "needs ExecuTorch",
    ]
    assert all(row[-1] for row in known.rows)  # a source for each
    with pytest.raises(UsageError, match="did not answer for TensorFlow: ModuleNotFoundError"):
        lab.claim("8.5").run(python=sys.executable)
    with pytest.raises(UsageError, match="cannot be run"):
        lab.claim("8.5").run(python="/nowhere/python")


@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="CUTAWAY_TENSORFLOW names no Python that has it")
def test_what_tensorflow_does_today():
    finding = lab.claim("8.5").run(python=TENSORFLOW)
    effects = finding.evidence.effects
    assert [effects[name].value for name in TODAY] == [0, 0, 0, 0]
    assert effects["faster"].value > 0
    assert finding.verdict in (LIMITED, UNDECIDED, FAILS)  # by the clock


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler")
def test_what_is_compiled_is_faster():
    """In a process of its own: checked shapes are no part of what a compiler should see."""
    (found,) = process("prove", "8.3", "--json").json
    assert found["verdict"] == HOLDS.value
    assert found["effects"]["compiled"]["low"] > 1
