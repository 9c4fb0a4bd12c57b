"""Chapter 5, what is exact: equations, counts, edges, shifts."""

import torch

from cutaway import lab
from cutaway.lab.chapters.convolution.equations import as_counted, as_worked, equation_10
from cutaway.lab.evidence import Verdict, exact


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
