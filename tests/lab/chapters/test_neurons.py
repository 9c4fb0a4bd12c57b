"""Chapter 1: the rules on planted effects, the helpers against worked values, quick runs."""

import math

import pytest
import torch
from helpers.effects import at

from cutaway import lab
from cutaway.lab.chapters.neurons import curve, gates, outputs
from cutaway.lab.evidence import Verdict, exact

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


@pytest.mark.parametrize(
    ("number", "effects", "verdict"),
    [
        ("1.1", {"wrong": exact("", 0), "learned": at(100, 0.5)}, HOLDS),
        ("1.1", {"wrong": exact("", 0), "learned": at(99, 1)}, UNDECIDED),
        ("1.1", {"wrong": exact("", 0), "learned": at(60, 1)}, LIMITED),
        ("1.1", {"wrong": exact("", 1), "learned": at(100, 1)}, FAILS),
        ("1.1", {"wrong": exact("", 0), "learned": at(0, 0.5)}, FAILS),
        ("1.2", {"feasible": exact("", 0), "passed": at(0, 1)}, HOLDS),
        ("1.2", {"feasible": exact("", 1), "passed": at(0, 1)}, FAILS),
        ("1.2", {"feasible": exact("", 0), "passed": at(2, 1)}, UNDECIDED),
        ("1.3", {"wrong": exact("", 0), "smallest": at(97, 1), "best": at(99, 1)}, HOLDS),
        ("1.3", {"wrong": exact("", 0), "smallest": at(40, 1), "best": at(99, 1)}, LIMITED),
        ("1.3", {"wrong": exact("", 0), "smallest": at(40, 1), "best": at(40, 1)}, FAILS),
        ("1.3", {"wrong": exact("", 2), "smallest": at(97, 1), "best": at(99, 1)}, FAILS),
        ("1.3", {"wrong": exact("", 0), "smallest": at(40, 1), "best": at(90, 1)}, UNDECIDED),
        ("1.3", {"wrong": exact("", 0), "smallest": at(89, 3), "best": at(99, 1)}, UNDECIDED),
    ],
)
def test_the_rules_of_gates(number, effects, verdict):
    assert lab.claim(number).decide(effects) is verdict


@pytest.mark.parametrize(
    ("gradient", "gain", "least", "verdict"),
    [
        (0, 0, 5, HOLDS),
        (0, 0, 0.5, UNDECIDED),
        (0, 0, -5, FAILS),
        (1, 0, 5, FAILS),
        (0, 1, 5, FAILS),
    ],
)
def test_the_rule_of_the_step(gradient, gain, least, verdict):
    effects = exact("", gradient), exact("", gain), at(least, 1)
    assert outputs.trainable(*effects) is verdict


GOOD = {
    "middle": exact("", 0), "slope": exact("", 0), "moved": exact("", 0), "uphill": exact("", 0),
    "w_error": at(0, 1), "T_error": at(0, 1),
    "with_negatives": at(0.2, 0.1), "without": at(0.8, 0.1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, HOLDS),
        ({"moved": exact("", -0.2)}, LIMITED),
        ({"middle": exact("", 0.1)}, FAILS),
        ({"slope": exact("", 0.1)}, FAILS),
        ({"uphill": exact("", 0.1)}, FAILS),
        ({"w_error": at(9, 1)}, FAILS),
        ({"T_error": at(4, 3)}, UNDECIDED),
        ({"without": at(0.2, 0.1)}, FAILS),
        ({"without": at(0.5, 0.1)}, UNDECIDED),
        ({"with_negatives": at(0.5, 0.1)}, UNDECIDED),
    ],
)
def test_the_rule_of_the_curve(changed, verdict):
    assert curve.shifts_and_steepens(**GOOD | changed) is verdict


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [((0, 0, 0, 0), HOLDS), ((0, 0, 9, 0), LIMITED), ((0, 9, 9, 0), LIMITED), ((9, 0, 9, 0), FAILS),
     ((0, 0, 9, 9), FAILS)],
)  # fmt: skip
def test_the_rule_of_softmax(bad, verdict):
    assert outputs.normalised(*(exact("", v) for v in bad)) is verdict


def test_fourteen_tables_have_a_unit():
    tables = [torch.tensor([float(i >> k & 1) for k in range(4)]) for i in range(16)]
    units = [(t, gates.unit_for(t)) for t in tables]
    assert sum(unit is not None for _, unit in units) == 14
    for t, unit in units:
        if unit:
            w1, w2, b = unit
            answers = (gates.INPUTS @ torch.tensor([w1, w2]) + b >= 0).float()
            assert torch.equal(answers, t)


def test_the_most_likely_curve_of_a_worked_case():
    """Two places with shares 1/4 and 3/4 of positives: w x - T = -ln 3 at x = -1, ln 3 at 1."""
    x = torch.tensor([[-1.0] * 4 + [1.0] * 4]).double()
    t = torch.tensor([[1.0, 0, 0, 0, 1, 1, 1, 0]]).double()
    found, left = curve.most_likely(x, t)
    assert found[0].tolist() == pytest.approx([math.log(3), 0], abs=1e-12)
    assert left < 1e-12


def test_a_step_has_no_slope():
    s = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    outputs.Step()(s).sum().backward()
    assert outputs.Step()(s).tolist() == [0, 1, 1]
    assert s.grad.tolist() == [0, 0, 0]


def test_softmax_and_ratios_of_worked_values():
    s = torch.tensor([[[1.0, -2.0, 0.0]]]).double()
    assert outputs.raw_ratio(s).flatten().tolist() == [-1, 2, 0]
    name, bad, reordered, right, *_ = outputs._judged(
        "raw", s.expand(1, 1, 3).repeat(1, 1, 2), outputs.raw_ratio(s.repeat(1, 1, 2)),
        outputs.raw_ratio(s.repeat(1, 1, 2)), torch.tensor([0]),
    )  # fmt: skip
    assert (name, bad, reordered, right) == ("raw", 100, 100, 0)


def test_no_number_is_no_distribution():
    s = torch.zeros(1, 2, 6).double()
    _, bad, *_ = outputs._judged("raw", s, outputs.raw_ratio(s), s, torch.zeros(2).long())
    assert bad == 100


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("1.1", {}, HOLDS),
        ("1.2", {"replicates": 32, "epochs": 20}, HOLDS),
        ("1.5", {}, LIMITED),
        ("1.6", {"replicates": 3, "steps": 60}, LIMITED),
    ],
)
def test_quick_verdicts(number, settings, verdict, seed):
    assert lab.claim(number).run(**settings, seed=seed).verdict is verdict


@pytest.mark.slow
@pytest.mark.parametrize(("number", "verdict"), [("1.3", LIMITED), ("1.4", HOLDS)])
def test_verdicts_that_take_longer(number, verdict):
    assert lab.claim(number).run().verdict is verdict
