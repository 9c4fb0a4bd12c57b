"""The witnesses: they agree where the equations are right, and a wrong one is caught."""

from dataclasses import dataclass, replace
from math import inf, nan

import pytest
import torch
from torch import nn

from cutaway.byhand import trace
from cutaway.byhand.check import Checked, check
from cutaway.byhand.operations import Sigmoid
from cutaway.byhand.witness import autograd, difference, replay


class Small(nn.Module):
    """Two layers, a loss, and a dropout mask."""

    def __init__(self, p: float = 0.0):
        super().__init__()
        self.u1, self.u2, self.drop = nn.Linear(5, 7), nn.Linear(7, 3), nn.Dropout(p)

    def forward(self, x, t):
        return nn.functional.cross_entropy(self.u2(self.drop(self.u1(x).sigmoid())), t)


def batch():
    torch.manual_seed(0)
    return torch.randn(4, 5), torch.tensor([0, 1, 2, 0])


def small(p: float = 0.0):
    torch.manual_seed(1)
    return trace(Small(p), *batch())


@dataclass(frozen=True)
class WrongSigmoid(Sigmoid):
    """As a tired student would have it: the derivative without its second factor."""

    def backward(self, g, z, s):
        return (g * z,)


def spoiled(operation):
    """With another operation in place of the sigmoid."""
    graph = small()
    (name,) = (node.name for node in graph.operations if isinstance(node.operation, Sigmoid))
    graph.nodes[name] = replace(graph.nodes[name], operation=operation)
    return graph


def test_three_witnesses_agree():
    result = check(small(), *batch())
    assert result.agrees
    assert [row.name for row in result.rows] == ["u1.weight", "u1.bias", "u2.weight", "u2.bias"]
    assert result.autograd < 1e-13
    assert result.differences < 1e-8
    assert all(row.gradient > 0 and row.differences is not None for row in result.rows)


def test_a_mask_is_the_same_for_all_witnesses():
    result = check(small(0.5), *batch())
    assert result.agrees
    assert result.differences < 1e-8


def test_a_wrong_equation_is_found_by_both():
    result = check(spoiled(WrongSigmoid()), *batch())
    assert not result.agrees
    by_name = {row.name: row for row in result.rows}
    assert by_name["u2.weight"].autograd < 1e-13  # above the mistake all is well
    assert by_name["u1.weight"].autograd > 0.1
    assert by_name["u1.weight"].differences > 0.01


def test_a_missing_gradient_is_found():
    """Half of a gradient that is zero where it should not be stands out in the slope as well."""

    @dataclass(frozen=True)
    class Half(Sigmoid):
        def backward(self, g, z, s):
            right = g * z * (1 - z)
            right[:, ::2] = 0
            return (right,)

    rows = {row.name: row for row in check(spoiled(Half()), *batch()).rows}
    assert rows["u1.weight"].autograd > 0.1
    assert rows["u1.weight"].differences > 0.01


def test_a_gradient_that_is_no_number_agrees_with_nothing():
    """Also where no slope is taken that would tell."""

    @dataclass(frozen=True)
    class Ill(Sigmoid):
        def backward(self, g, z, s):
            return (g * nan,)

    result = check(spoiled(Ill()), *batch(), differences=0)
    assert not result.agrees
    assert result.autograd == inf


def test_slopes_are_taken_of_some_and_of_none():
    some = check(small(), *batch(), differences=2)
    assert [row.name for row in some.rows if row.differences is not None] == [
        "u1.weight",
        "u2.bias",
    ]
    none = check(small(), *batch(), differences=0)
    assert none.differences == 0
    assert none.agrees


def test_the_graph_is_left_as_it_was():
    graph = small()
    before = {name: value.clone() for name, value in graph.given.items()}
    check(graph, *batch())
    assert graph.dtype is torch.float32
    assert not graph.values
    assert all(torch.equal(before[name], value) for name, value in graph.given.items())


def test_a_bias_before_a_normalisation_has_no_gradient_and_that_is_no_error():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.norm = nn.Linear(5, 7), nn.BatchNorm1d(7)

        def forward(self, x):
            return self.norm(self.u(x)).tanh().square().sum()

    torch.manual_seed(2)
    result = check(trace(Normed(), torch.randn(8, 5)), torch.randn(8, 5))
    assert result.agrees
    assert next(row for row in result.rows if row.name == "u.bias").gradient < 1e-12


def test_autograd_gives_every_node():
    graph = small().to(torch.float64)
    graph.forward(*batch())
    gradients = graph.backward(inputs=True)
    other = autograd(graph)
    assert gradients.keys() <= other.gradients.keys()
    for name, g in graph.gradients.items():
        torch.testing.assert_close(g, other.gradients[name])
    for node in graph.operations:
        torch.testing.assert_close(graph.values[node.name], other.values[node.name])


def test_a_value_can_be_tried_out():
    graph = small(0.5).to(torch.float64)
    J = graph.forward(*batch())
    assert torch.equal(replay(graph, "u1.bias", graph.values["u1.bias"]), J)  # the mask stays
    moved = replay(graph, "u1.bias", graph.values["u1.bias"] + 1)
    assert moved != J
    assert torch.equal(graph.values[graph.outputs[0]], J)
    along = torch.ones(7, dtype=torch.float64)
    slope = graph.backward()["u1.bias"].sum().item()
    assert difference(graph, "u1.bias", along) == pytest.approx(slope, rel=1e-6)


def test_nothing_checked_agrees_with_nothing():
    assert Checked((), 0, 0.0, 0.0).agrees
