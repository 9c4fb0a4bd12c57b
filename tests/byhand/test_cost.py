"""What reuse saves: paths are counted, and walked, and give the same gradients."""

import pytest
import torch

from cutaway.byhand import Graph
from cutaway.byhand.cost import costs, path_by_path, paths, total
from cutaway.byhand.operations import Add, Affine, Multiply, Sum, Tanh
from cutaway.errors import UsageError


def ladder(depth: int) -> Graph:
    """y <- tanh(y u) + y: two ways through each step, 2^depth in all."""
    torch.manual_seed(0)
    graph = Graph(torch.float64)
    y = graph.input("x")
    for k in range(depth):
        u = graph.parameter(f"u{k}", torch.randn((), dtype=torch.float64))
        bent = graph.add(f"tanh{k}", Tanh(), graph.add(f"s{k}", Multiply(), y, u))
        y = graph.add(f"y{k}", Add(), bent, y)
    graph.add("J", Sum(), y)
    return graph


def neurons(width: int, depth: int) -> Graph:
    """A perceptron of many layers whose every node and every product is a node of the graph."""
    torch.manual_seed(0)
    graph = Graph(torch.float64)
    layer = [graph.input(f"x{i}") for i in range(width)]
    for k in range(depth):
        following = []
        for j in range(width):
            parts = []
            for i, z in enumerate(layer):
                u = graph.parameter(f"u{k}_{j}{i}", torch.randn((), dtype=torch.float64))
                parts.append(graph.add(f"m{k}_{j}{i}", Multiply(), z, u))
            s = parts[0]
            for i, part in enumerate(parts[1:]):
                s = graph.add(f"a{k}_{j}{i}", Add(), s, part)
            following.append(s)
        layer = following
    J = layer[0]
    for i, z in enumerate(layer[1:]):
        J = graph.add(f"J{i}", Add(), J, z)
    return graph


@pytest.mark.parametrize("depth", [1, 2, 6])
def test_path_by_path_gives_the_same_gradients(depth):
    graph = ladder(depth)
    graph.forward(torch.tensor([0.3, -0.7]))
    reused = graph.backward()
    walked, steps = path_by_path(graph)
    assert walked.keys() == reused.keys()
    for name, g in reused.items():
        torch.testing.assert_close(walked[name], g)
    assert steps == sum(paths(graph)[node.name] for node in graph.operations)


def test_a_ladder_has_a_power_of_two_of_paths():
    counts = paths(ladder(10))
    assert counts["y9"] == 1
    assert counts["y0"] == 2**9
    assert counts["u0"] == 2**9


def test_with_reuse_the_cost_is_linear_in_depth_and_without_it_is_exponential():
    spent = {}
    for depth in (2, 4, 8):
        graph = ladder(depth)
        graph.forward(torch.ones(3))
        node_costs = costs(graph)
        spent[depth] = total(node_costs), total(node_costs, reuse=False)
    assert spent[8][0] - spent[4][0] == 2 * (spent[4][0] - spent[2][0])
    assert spent[8][1] / spent[4][1] > 10


def test_with_reuse_the_cost_is_quadratic_in_width():
    """The course's claim, counted node by node: width 2, 4 and 8 at the same depth."""
    spent = []
    for width in (2, 4, 8):
        graph = neurons(width, 3)
        graph.forward(*torch.ones(width, dtype=torch.float64))
        spent.append(total(costs(graph)))
    assert 3 < spent[1] / spent[0] < 5
    assert 3 < spent[2] / spent[1] < 5


def test_costs_of_a_layer():
    graph = Graph()
    x, u = graph.input("x"), graph.parameter("u", torch.zeros(5, 7))
    b = graph.parameter("b", torch.zeros(5))
    graph.add("s", Affine(), x, u, b)
    with pytest.raises(UsageError, match="forward"):
        costs(graph)
    graph.forward(torch.zeros(3, 7))
    cost = costs(graph)["s"]
    assert cost.forward == 2 * 3 * 5 * 7 + 3 * 5
    assert cost.backward == 2 * cost.forward  # x is given, u and b are learned
    assert cost.bytes == 3 * 5 * 4
    assert cost.paths == 1
    assert costs(graph)["x"].forward == 0


def test_too_many_paths_are_not_walked():
    graph = ladder(30)
    graph.forward(torch.ones(1))
    with pytest.raises(UsageError, match="Path by path this graph needs"):
        path_by_path(graph)
