"""Chapter 5, what is exact: equations, counts, edges, shifts."""

import pytest
import torch

from cutaway import lab
from cutaway.lab.chapters.convolution.edges import kept, quartered
from cutaway.lab.chapters.convolution.equations import as_counted, as_worked, equation_10
from cutaway.lab.chapters.convolution.shifts import commutes, dulled, same_matrix
from cutaway.lab.evidence import Effect, Verdict, exact


def planted(*values: float):
    return [exact("planted", value) for value in values]


def test_5_1_worked_example():
    assert as_worked(*planted(9, 0, 0)) is Verdict.HOLDS
    assert as_worked(*planted(8, 0, 0)) is Verdict.FAILS
    assert as_worked(*planted(9, 0, 1)) is Verdict.FAILS
    found = lab.claim("5.1").run(trials=5)
    assert found.verdict is Verdict.HOLDS
    assert [row[1] for row in found.evidence.tables[0].rows] == [3, 6, 0]


def test_equation_4_10_by_hand():
    s = equation_10(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([1.0, 0.0, -1.0]))
    assert s.tolist() == [-3, -6]


def test_5_2_counts():
    assert as_counted(*planted(3200, 27, 96)) is Verdict.HOLDS
    assert as_counted(*planted(3136, 27, 96)) is Verdict.FAILS
    rows = lab.claim("5.2").run(side=8).evidence.tables[0].rows
    assert [row[3] for row in rows] == [3200, 9472, 2688]
    assert rows[0][4] == 65 * 64 * 64


def test_5_3_padding():
    assert kept(*planted(0, 0, 20)) is Verdict.HOLDS
    assert kept(*planted(0, 0, 0)) is Verdict.UNDECIDED
    assert kept(*planted(1, 0, 20)) is Verdict.FAILS
    assert kept(*planted(0, 3, 20)) is Verdict.FAILS
    found = lab.claim("5.3").run(side=16, kernels=(3, 4, 5))
    assert found.verdict is Verdict.HOLDS
    assert [row[2] for row in found.evidence.tables[0].rows] == [14, 12]


def test_5_4_strides():
    assert quartered(*planted(100, 100)) is Verdict.HOLDS
    assert quartered(*planted(100, 0)) is Verdict.LIMITED
    assert quartered(*planted(90, 0)) is Verdict.FAILS
    found = lab.claim("5.4").run(sides=(8, 9), most=2)
    assert found.verdict is Verdict.LIMITED
    assert found.evidence.effects["excess"].value == 4 * 25 / 81


def test_5_5_shifts():
    assert commutes(*planted(0, 0, 90)) is Verdict.HOLDS
    assert commutes(*planted(0, 50, 90)) is Verdict.LIMITED
    assert commutes(*planted(1, 0, 90)) is Verdict.FAILS
    assert commutes(*planted(0, 0, 0)) is Verdict.FAILS
    found = lab.claim("5.5").run(digits=2)
    assert found.verdict is Verdict.LIMITED
    assert found.evidence.tables[0].rows[3][2] == 0  # stride 2 follows a shift by 2


def test_5_6_matrix():
    assert same_matrix(*planted(0, 0, 0, 12)) is Verdict.HOLDS
    assert same_matrix(*planted(0, 1e-9, 0, 12)) is Verdict.FAILS
    assert same_matrix(*planted(0, 0, 5, 12)) is Verdict.FAILS
    found = lab.claim("5.6").run(side=5)
    assert found.verdict is Verdict.HOLDS
    # On a side of 5 the taps -1, 0 and 1 meet 4, 5 and 4 pixels.
    assert found.evidence.effects["filled"].value == pytest.approx(100 * 13 * 13 / 25**2)


def test_5_8_pooling():
    below, above = Effect("planted", -5, -6, -4, 9), Effect("planted", -1, -3, 1, 9)
    none, some = planted(0, 3)
    assert dulled(below, none, none) is Verdict.HOLDS
    assert dulled(above, none, none) is Verdict.LIMITED
    assert dulled(below, some, none) is Verdict.FAILS
    assert dulled(below, none, some) is Verdict.FAILS
    assert lab.claim("5.8").run(replicates=8, side=32, maps=4).verdict is Verdict.HOLDS
