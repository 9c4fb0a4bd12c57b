import pytest
import torch

from cutaway.byhand import Graph
from cutaway.byhand.operations import (
    Add,
    Affine,
    Concatenate,
    Convolution,
    Exponential,
    MeanSquaredError,
    Multiply,
    ReLU,
    Square,
    Sum,
)
from cutaway.errors import UsageError


def diamond():
    """J = sum of a b with a = u x and b = (u x)^2, so J = sum of (u x)^3."""
    graph, u = Graph(torch.float64), torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    graph.input("x")
    graph.parameter("u", u)
    graph.add("a", Multiply(), "u", "x")
    graph.add("b", Square(), "a")
    graph.add("ab", Multiply(), "a", "b")
    graph.add("J", Sum(), "ab")
    return graph, u


X = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)


def test_gradients_are_added_where_paths_meet():
    graph, u = diamond()
    assert graph.forward(X).item() == pytest.approx(((u * X) ** 3).sum().item())
    gradients = graph.backward()
    assert gradients.keys() == {"u"}
    torch.testing.assert_close(gradients["u"], 3 * u**2 * X**3)
    torch.testing.assert_close(graph.gradients["a"], 3 * (u * X) ** 2)
    torch.testing.assert_close(graph.gradients["b"], u * X)
    assert graph.gradients["J"].item() == 1
    assert "x" not in graph.gradients


def test_inputs_have_gradients_if_asked_for():
    graph, u = diamond()
    graph.forward(X)
    assert graph.backward(inputs=True).keys() == {"u"}
    torch.testing.assert_close(graph.gradients["x"], 3 * u**3 * X**2)


def test_a_gradient_from_above_takes_the_place_of_1():
    graph, u = diamond()
    graph.outputs = ("ab",)
    graph.forward(X)
    g = torch.tensor([1.0, 0.0, -2.0], dtype=torch.float64)
    torch.testing.assert_close(graph.backward(g)["u"], g * 3 * u**2 * X**3)


def test_backward_begins_anew_each_time():
    graph, _ = diamond()
    graph.forward(X)
    first = graph.backward()["u"]
    assert torch.equal(graph.backward()["u"], first)
    graph.forward(2 * X)
    assert graph.gradients == {}
    torch.testing.assert_close(graph.backward()["u"], 8 * first)


def test_a_shared_weight_gets_the_sum_of_its_uses():
    """s = U (U x): dJ/dU has a share from each of the two layers."""
    graph, u = Graph(), torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    graph.input("x")
    graph.parameter("U", u)
    graph.add("h", Affine(), "x", "U", None)
    graph.add("s", Affine(), "h", "U")
    graph.add("J", Sum(), "s")
    x = torch.tensor([[3.0, -1.0]])
    graph.forward(x)
    by_autograd = torch.autograd.functional.jacobian(lambda u: (x @ u.T @ u.T).sum(), u)
    torch.testing.assert_close(graph.backward()["U"], by_autograd)


def test_the_same_node_twice_in_one_operation():
    graph = Graph()
    graph.parameter("u", torch.tensor(3.0))
    graph.add("J", Multiply(), "u", "u")
    graph.forward()
    assert graph.backward()["u"].item() == 6


def test_what_has_no_say_in_the_output_has_no_gradient():
    graph, _ = diamond()
    graph.parameter("v", torch.ones(3))
    graph.add("aside", Exponential(), "v")
    graph.outputs = ("J",)
    graph.forward(X)
    assert graph.backward().keys() == {"u"}
    assert "aside" in graph.values
    assert graph.gradients.keys().isdisjoint({"v", "aside"})


def test_constants_and_what_hangs_on_them_alone_are_left_out():
    graph = Graph()
    graph.parameter("u", torch.ones(2))
    graph.constant("c", torch.full((2,), 3.0))
    graph.add("c2", Square(), "c")
    graph.add("s", Multiply(), "u", "c2")
    graph.add("J", Sum(), "s")
    graph.forward()
    assert graph.live() == {"u", "s", "J"}
    assert graph.backward()["u"].tolist() == [9, 9]
    assert graph.gradients.keys() == {"u", "s", "J"}


def test_an_input_that_is_left_out_is_none():
    graph = Graph()
    graph.input("x")
    graph.parameter("u", torch.ones(1, 1, 2))
    graph.add("s", Convolution(), "x", "u", None)
    assert graph.forward(torch.tensor([[[1.0, 2.0, 4.0]]])).tolist() == [[[3, 6]]]
    assert graph.backward(torch.ones(1, 1, 2))["u"].tolist() == [[[3, 6]]]


def test_several_inputs_and_an_operation_of_many():
    graph = Graph()
    a, b = graph.input("a"), graph.input("b")
    graph.add("both", Concatenate(1), a, b)
    graph.add("J", Sum(), "both")
    assert graph.inputs == ["a", "b"]
    assert graph.forward(torch.ones(2, 1), torch.ones(2, 3)).item() == 8
    graph.backward(inputs=True)
    assert {name: tuple(graph.gradients[name].shape) for name in "ab"} == {"a": (2, 1), "b": (2, 3)}


def test_parameters_are_the_callers_own_tensors():
    graph, u = diamond()
    before = graph.forward(X)
    u.mul_(2)
    torch.testing.assert_close(graph.forward(X), 8 * before)


def test_another_precision_is_a_copy():
    graph, u = diamond()
    single = graph.to(torch.float32)
    u.zero_()
    assert single.forward(X).dtype == torch.float32
    assert single.forward(X).item() == pytest.approx(0.5**3 - 2**3 + 6**3)
    assert graph.forward(X).item() == 0


def test_whole_numbers_stay_whole():
    graph = Graph()
    graph.constant("k", torch.tensor([1, 2]))
    graph.begin()
    assert graph.values["k"].dtype == torch.int64


def test_a_node_tells_what_it_is():
    graph, _ = diamond()
    assert [node.title for node in graph.nodes.values()][:3] == ["input", "parameter", "Multiply"]
    assert [node.name for node in graph.operations] == ["a", "b", "ab", "J"]
    assert graph.nodes["b"].operation.equations() == "y = x^2; dJ/dx = 2 g x"


# What can go wrong


def test_the_wrong_number_of_inputs():
    graph, _ = diamond()
    with pytest.raises(UsageError, match=r"takes 1 inputs \(x\), and 2 were given"):
        graph.forward(X, X)


def test_an_unknown_node():
    graph, _ = diamond()
    with pytest.raises(UsageError, match=r"There is no node 'j'\. Did you mean 'J'\?"):
        graph.add("K", Square(), "j")


@pytest.mark.parametrize("enter", ["input", "parameter", "add"])
def test_a_name_that_is_taken(enter):
    graph, _ = diamond()
    more = {"input": (), "parameter": (X,), "add": (ReLU(), "x")}[enter]
    with pytest.raises(UsageError, match="There is a node 'a' already"):
        getattr(graph, enter)("a", *more)


def test_an_output_that_is_no_number():
    graph, _ = diamond()
    graph.outputs = ("ab",)
    graph.forward(X)
    with pytest.raises(
        UsageError, match=r"'ab' has the shape \(3,\), so it is not a single number J"
    ):
        graph.backward()


@pytest.mark.parametrize("operation", [Add(), Multiply(), MeanSquaredError(), Affine()])
def test_a_wrong_shape_names_the_node(operation):
    graph = Graph()
    graph.input("x")
    graph.parameter("u", torch.ones(3, 4))
    graph.add("sum of two", operation, "x", "u")
    with pytest.raises(UsageError, match=r"'sum of two' \(\w+\) .* shapes \(2, 5\), \(3, 4\)"):
        graph.forward(torch.ones(2, 5))
