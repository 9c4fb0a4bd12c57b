"""The errata: each computation that one rests on, done again; each claim and effect there."""

import re
import runpy
from dataclasses import replace
from itertools import pairwise, product
from math import comb, degrees, exp, hypot, log, pi
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway import lab
from cutaway.lab.course import TEXTS, errata, texts
from cutaway.lab.evidence import exact

ROOT = Path(__file__).parents[3]
ERRATA = runpy.run_path(str(ROOT / "scripts" / "errata.py"))
WIDTHS = (784, 2500, 2000, 1500, 1000, 500, 10)
X = ((0, 0), (0, 0), (0, 1), (0, 1), (0, 1), (1, 0), (1, 1), (1, 1), (1, 1), (1, 1))
Y = (1, 1, 1, 0, 1, 0, 0, 0, 0, 1)


def weights(*widths: int) -> int:
    """Of a dense network, with biases."""
    return sum((a + 1) * b for a, b in pairwise(widths))


def slope(of, at: float) -> float:
    """By autograd."""
    x = torch.tensor(at, requires_grad=True)
    (gradient,) = torch.autograd.grad(of(x), x)
    return gradient.item()


def backward_changes_nothing():
    layer = nn.Linear(3, 1)
    before = layer.weight.clone()
    layer(torch.ones(3)).sum().backward()
    assert torch.equal(layer.weight, before)
    torch.optim.SGD(layer.parameters(), 0.1).step()
    return not torch.equal(layer.weight, before)


def affine():
    layer, x = nn.Linear(3, 2), torch.randn(3)
    return torch.allclose(layer(x), layer.weight @ x + layer.bias)


def equation_4_5():
    U, above = torch.randn(4, 3 + 1), torch.randn(2, 4 + 1)
    z = torch.tanh(U @ torch.cat([torch.ones(1), torch.randn(3)]))
    return len(z) == 4 and above.shape[1] == 5


def unread_bias():
    """Whatever z_0^L is, no derivative of an output depends on it."""
    U = [torch.randn(4, 4, requires_grad=True), torch.randn(4, 5, requires_grad=True)]
    z = [torch.cat([torch.ones(1), torch.randn(3)])]
    for u in U:
        z.append(torch.cat([torch.ones(1, requires_grad=True), torch.tanh(u @ z[-1])]))
    last = z[-1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(((last[1:] - 1) ** 2).sum() / 2, last)
    return gradient[0] == 0 and gradient[1:].all()


def turns(k, inside):
    """Who moves in a round of algorithm 4-2."""
    moves = ""
    for _ in range(k):
        moves += "DG" if inside else "D"
    return moves if inside else moves + "G"


def updates_inside():
    """Where the weight ends, after the loop over the samples and within it."""
    gradients, t, after, inside, total = (1, 2, 4), 3, 0.0, 0.0, 0.0
    for g in gradients:
        total += g
        inside -= total / t
    after -= total / t
    return (after, inside) == pytest.approx((-7 / 3, -11 / 3))


def edge_kernels():
    first = torch.tensor([[-1.0, 0, 1]] * 3)
    upright = torch.tensor([[0.0, 1, 1]] * 3)
    answers = [[(k * e).sum().item() for e in (upright, upright.T)] for k in (first, first.T)]
    return answers == [[3, 0], [0, 3]]


def lenet():
    sides = [((side - 4) // 2 - 4) // 2 for side in (28, 32)]
    return sides == [4, 5]


def cross_entropy(p, q):
    return -sum(a * log(b) for a, b in zip(p, q, strict=True))


def recurrent():
    torch.manual_seed(0)
    cell, read, total = nn.RNNCell(1, 4), nn.Linear(4, 1), 0.0
    for bits in product((0.0, 1.0), repeat=3):
        state, likely = torch.zeros(4), torch.ones(1)
        for bit in bits:
            one = read(state).sigmoid()
            likely = likely * (one if bit else 1 - one)
            state = cell(torch.tensor([bit]), state)
        total += likely.item()
    return total == pytest.approx(1)


def labels():
    def joint(y):
        return sorted((x, label) for x, label in zip(X, y, strict=True))

    other = tuple(1 - label for label in Y)
    return joint(Y) != joint(other) and [x for x, _ in joint(Y)] == [x for x, _ in joint(other)]


def generic_layer():
    W, x, g = (
        torch.randn(2, 3, requires_grad=True),
        torch.randn(3, requires_grad=True),
        torch.randn(2),
    )
    out = W @ x
    found = torch.autograd.grad(out, (W, x), g)
    return torch.allclose(found[0], torch.outer(g, x)) and torch.allclose(found[1], g @ W)


def shifted_map():
    torch.manual_seed(0)
    x, kernel = torch.zeros(1, 1, 9, 9), torch.randn(1, 1, 3, 3)
    x[..., 3:5, 3:5] = torch.rand(2, 2)
    one, other = (F.conv2d(some, kernel, padding=1) for some in (x, x.roll(1, 3)))
    return not torch.equal(one, other) and torch.allclose(one.roll(1, 3), other)


def sum_and_mean():
    each = [slope(lambda x, i=i: (x - i) ** 2, 0.0) for i in range(1, 6)]
    return (sum(each) / 5, sum(each)) == (-6, -30)


def double_well():
    """Starts on either side of the hill that end on the other, in per cent."""
    left = []
    for momentum in (0.0, 0.9):
        x = torch.linspace(-2, 2, 4001, dtype=torch.float64)
        local, m = x > 0.0754, torch.zeros_like(x)  # where the hill's top is
        for _ in range(2000):
            m = momentum * m - 0.01 * (4 * x * (x**2 - 1) + 0.3)
            x = x + m
        left += [100 * (x < 0)[local].double().mean(), 100 * (x > 0)[~local].double().mean()]
    return [round(one.item()) for one in left] == [0, 0, 21, 11]


def recurrence():
    W, x, g = torch.randn(2, 3), torch.randn(3, requires_grad=True), torch.randn(2)
    out = torch.tanh(W @ x)
    L = torch.diag(1 - out**2) @ W
    return torch.allclose(torch.autograd.grad(out, x, g)[0], g @ L)


def signal(activation):
    """A unit signal's mean square after 20 wide layers with He's start, by integration."""
    z, square = torch.linspace(-10, 10, 20_001, dtype=torch.float64), 1.0
    density = torch.exp(-(z**2) / 2) / (2 * pi) ** 0.5
    for _ in range(20):
        square = 2 * torch.trapezoid(density * activation(square**0.5 * z) ** 2, z).item()
    return round(square, 5)


def biases():
    for layer, zero in (
        (nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 3, 3)),
        (nn.Linear(3, 2), torch.zeros(3)),
    ):
        if not torch.equal(layer(zero).flatten(), layer.bias):
            return False
    return True


def apart(a, b):
    cosine = torch.dot(torch.tensor(a), torch.tensor(b)) / (hypot(*a) * hypot(*b))
    return degrees(torch.acos(cosine).item())


def steepest_at_the_floor():
    """Of the function of S26, (1 - x)^2 + 20 (3y - x^2)^2, which is least at (1, 1/3)."""

    def height(at):
        x, y = at
        return (1 - x) ** 2 + 20 * (3 * y - x**2) ** 2

    floor = torch.tensor([1.0, 1 / 3], dtype=torch.float64)
    assert torch.autograd.functional.jacobian(height, floor).abs().max() < 1e-12
    top = torch.linalg.eigvalsh(torch.autograd.functional.hessian(height, floor)).max().item()
    return round(top) == 521 and round(2 * (1 + 1) / top, 3) == 0.008


def gelu_against_silu():
    z = torch.linspace(-10, 10, 20_001)
    return (F.gelu(z) - F.silu(z)).abs().max().item()


CHECKS = {
    "N1": backward_changes_nothing,
    "N3": lambda: (784 * 100 + 100 * 10, comb(894, 2)) == (79_400, 399_171),
    "N6": affine,
    "N10": lambda: [torch.zeros(s).dim() for s in ((), (5,), (5, 5))] == [0, 1, 2],
    "T1": equation_4_5,
    "T2": unread_bias,
    "T5": updates_inside,
    "T6": lambda: [weights(n, *WIDTHS[1:]) for n in (784, 841)] == [11_972_510, 12_115_010],
    "T8": edge_kernels,
    "T9": lambda: F.max_pool2d(torch.zeros(1, 1, 8, 8), 2, 2).numel() == 16,
    "T10": lambda: {F.max_pool2d(torch.zeros(1, 5, 9, 9), 2, s).shape[1] for s in (1, 2, 3)} == {5},
    "T11": lenet,
    "T16": lambda: 13 * 13 * 384 == 64_896,
    "T21": lambda: np.roots([1, 1]).tolist() == [-1],
    "T23": lambda: (1 - 2, slope(lambda x: F.relu(-2 * x + x), 1.0)) == (-1, 0),
    "T24": lambda: (
        slope(lambda x: F.relu(-2 * x + x), 1.0),
        slope(lambda x: F.relu(-2 * x), 1.0) + 1,
    )
    == (0, 1),
    "T25": lambda: [slope(lambda x: F.relu(-x), at) for at in (-1.0, 1.0)] == [-1, 0],
    "T27": labels,
    "T28": lambda: not any(a < 0.0 <= b for a, b in pairwise((0.0, 0.2, 0.5, 0.6, 1.0))),
    "T29": recurrent,
    "T32": lambda: [round(log(1 - d), 3) for d in (0.999, 0.001)] == [-6.908, -0.001],
    "T33": lambda: [round(2 * log(d), 3) for d in (0.999, 0.001)] == [-0.002, -13.816],
    "T36": lambda: [turns(5, inside=inside) for inside in (False, True)] == ["DDDDDG", "DG" * 5],
    "T37": lambda: (weights(2, 20, 1), weights(2, 10, 10, 1)) == (81, 151),
    "T39": lambda: round(14_197_122 / 21_841, 2) == 650.02,
    "S1": lambda: (
        round(cross_entropy((0.9, 0.1), (0.5, 0.5)), 3) == 0.693
        and round(cross_entropy((0.5, 0.5), (0.9, 0.1)), 3) == 1.204
    ),
    "S2": sum_and_mean,
    "S4": double_well,
    "S5": recurrence,
    "S8": lambda: (
        [round(slope(torch.sqrt, at), 1) for at in (0.01, 0.1, 1.0)] == [5, 1.6, 0.5]
        and [round(slope(torch.reciprocal, at)) for at in (0.01, 0.1, 1.0)] == [-10_000, -100, -1]
    ),
    "S9": lambda: (
        {max(abs(x / 10) - 1, 0) for x in range(-10, 11)} == {0}
        and all(exp(a) > exp(b) > 0 for a, b in pairwise(range(0, -700, -1)))
    ),
    "S10": lambda: round(apart((-20.0, -20.0), (-10.0, -1.0))) == 39,
    "S11": lambda: [slope(torch.abs, at) for at in (0.1, 0.001, 0.00001)] == [1, 1, 1],
    "S12": lambda: [max(x, 0) for x in (-1e-9, 0, 1e-9)] == [0, 0, 1e-9],
    "S14": lambda: [round(1 / x) for x in (-0.1, -0.001, -0.00001)] == [-10, -1000, -100_000],
    "S16": lambda: round(gelu_against_silu(), 1) == 0.2,
    "S17": lambda: [signal(one) for one in (F.relu, F.gelu)] == [1, 0.00003],
    "S18": lambda: (torch.zeros(1, 2) @ torch.zeros(2, 4)).shape == (1, 4),
    "S19": generic_layer,
    "S20": shifted_map,
    "S21": biases,
    "S23": lambda: (
        (nn.Conv2d(3, 1, 3).weight.numel(), sum(p.numel() for p in nn.Conv2d(3, 1, 3).parameters()))
        == (27, 28)
    ),
    "S26": steepest_at_the_floor,
}  # fmt: skip
"""By erratum, whether its computation comes out as it says."""


@pytest.mark.parametrize("name", CHECKS)
def test_what_an_erratum_rests_on(name):
    assert CHECKS[name](), errata()[name].check


def test_each_check_is_done():
    assert list(CHECKS) == [one.id for one in errata().values() if one.check]


def test_what_was_looked_up_has_its_date():
    inside = {"N11", "T30", "T34", "S6"}
    """Where the texts themselves are the source."""
    for one in errata().values():
        if one.source and one.id not in inside:
            assert re.search(r"\(20\d\d-\d\d-\d\d\)$", one.source), one.id


@pytest.mark.parametrize("name", [one.id for one in errata().values() if one.effect])
def test_the_effect_is_one_of_the_claim(name):
    """As far as that shows without an experiment: its file has the name."""
    one = errata()[name]
    code = lab.claim(one.claim).file.read_text(encoding="utf-8")
    assert re.search(rf"\b{one.effect}\b", code), f"{one.claim} has no effect {one.effect}"


def test_ids_say_which_text_and_follow_each_other():
    for text in texts():
        mine = [one.id for one in errata().values() if one.text == text.key]
        assert mine == [f"{text.letter}{i + 1}" for i in range(len(mine))]
    assert {one.text for one in errata().values()} == set(TEXTS)


def test_little_is_quoted():
    assert max(len(one.printed.split()) for one in errata().values()) < 10


def test_the_page_has_every_erratum():
    page = (ROOT / "docs" / "errata.md").read_text(encoding="utf-8")
    for one in errata().values():
        start = ERRATA["row"](one)
        (line,) = [line for line in page.splitlines() if line.startswith(start)]
        if not one.claim:
            assert line == f"{start} {ERRATA['shown'](one, {})} |"


def test_a_row_has_the_measured_figure():
    one = errata()["M1"]
    effects = {(one.claim, one.effect): exact("moved", -0.25)}
    said = "claim [1.5](findings.md#1-neurons-and-gates): what doubling w moves the middle by"
    assert ERRATA["shown"](one, effects) == f"{said}, from 0.5: -0.25"
    both = replace(one, check="A sum is 3.", source="a table (2026-01-01)")
    rest = "checked by: A sum is 3. Source: a table (2026-01-01)."
    assert ERRATA["shown"](both, effects) == f"{said}, from 0.5: -0.25; {rest}"
    bare = replace(both, effect="", check="")
    link = "claim [1.5](findings.md#1-neurons-and-gates)"
    assert ERRATA["shown"](bare, {}) == f"{link}, in a table; source: a table (2026-01-01)."
