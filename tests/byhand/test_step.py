"""A walk through a graph: what it sees, where it stops, and what follows when it is changed."""

from math import inf
from math import nan as none

import pytest
import torch
from torch import nn

from cutaway.byhand import Graph, trace
from cutaway.byhand.event import at, explode, nan
from cutaway.byhand.operations import Add, Affine, Logarithm, Multiply, ReLU, Square, Sum
from cutaway.byhand.step import Stepper
from cutaway.errors import UsageError


class Residual(nn.Module):
    """Paths that meet, a mask, running statistics and a loss."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.drop = nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.5)
        self.output = nn.Linear(4, 3)

    def forward(self, x, t):
        z = self.norm(self.first(x)).relu()
        z = self.drop(self.second(z)) + z
        return nn.functional.cross_entropy(self.output(z.mean((2, 3))), t)


@pytest.fixture
def residual():
    torch.manual_seed(0)
    module, inputs = Residual(), (torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 2, 0]))
    return module, trace(module, *inputs), inputs


@pytest.fixture
def chain():
    """J = sum of relu(2 x)^2."""
    graph = Graph()
    x = graph.input("x")
    s = graph.add("s", Affine(), x, graph.parameter("u", torch.tensor([[2.0]])))
    graph.add("J", Sum(), graph.add("square", Square(), graph.add("z", ReLU(), s)))
    return graph


def close(actual, expected):
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(actual[name], gradient, msg=name)


def test_forward_in_order_then_backward_in_reverse(residual):
    _, graph, inputs = residual
    seen = [(event.phase, event.node.name) for event in Stepper(graph, inputs)]
    forward = [node.name for node in graph.operations]
    backward = [name for name in reversed(forward) if name != "drop.mask"]
    assert seen == [("forward", n) for n in forward] + [("backward", n) for n in backward]


def test_a_node_is_computed_when_its_event_is_asked_for(chain):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    assert set(chain.values) == {"x", "u"}
    event = next(stepper)
    assert (event.node.name, event.value.item(), event.gradient) == ("s", 2, None)
    assert "z" not in chain.values
    assert chain.gradients == {}
    assert [e.node.name for e in stepper][-1] == "s"
    assert next(stepper, None) is None


def test_totals_are_those_of_the_graph(residual):
    _, graph, inputs = residual
    stepper = Stepper(graph, inputs)
    assert stepper.run() is None
    walked = dict(graph.gradients)
    graph.backward()
    close(walked, graph.gradients)
    assert walked.keys() >= graph.parameters.keys()


def test_an_event_tells_what_arrives_what_leaves_and_what_it_costs(chain):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    up = stepper.run(at("square"))
    assert up.equation == "y = x^2"
    assert up.flops > 0
    assert (up.bytes, up.sent) == (8, ())
    down = stepper.run(at("square"))
    assert (down.phase, down.equation) == ("backward", "dJ/dx = 2 g x")
    assert (down.gradient.item(), [(n, g.item()) for n, g in down.sent]) == (1, [("z", 4)])
    assert down.bytes == 12
    s = stepper.run(at("s"))
    assert [name for name, _ in s.sent] == ["u"]  # x is no parameter
    assert s.flops == 2
    assert stepper.finished()["u"].item() == 4


def test_the_caller_keeps_his_parameters_and_statistics(residual):
    module, graph, inputs = residual
    before = {name: value.clone() for name, value in module.state_dict().items()}
    stepper = Stepper(graph, inputs)
    stepper.run(at("second"))
    stepper.set("first.weight", 0.1)
    stepper.set("norm.running_mean", 5)
    stepper.run()
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_value_set_ahead_of_the_walk_is_seen_by_the_nodes_after_it(chain):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    next(stepper)
    assert stepper.set("s", 5.0) == []
    assert stepper.event.value.item() == 5
    assert stepper.run(at("J")).value.item() == 25


def test_a_value_set_behind_the_walk_is_as_if_it_had_been_so_from_the_beginning(residual):
    module, graph, inputs = residual
    weight = torch.randn(4, 1, 3, 3)
    stepper = Stepper(graph, inputs)
    stepper.run(at("second"))
    stepper.run(at("second"))  # going backward
    mask, mean = (graph.values[name].clone() for name in ("drop.mask", "norm.running_mean"))
    again = stepper.set("first.weight", weight)
    assert again[:2] == ["first", "norm"]
    assert torch.equal(graph.values["drop.mask"], mask)
    assert torch.equal(graph.values["norm.running_mean"], mean)
    assert torch.equal(stepper.event.value, graph.values["second"])
    stepper.run()

    with torch.no_grad():
        module.first.weight.copy_(weight)
    other = trace(module, *inputs)
    straight = Stepper(other, inputs)
    straight.run(at("drop.mask"))
    straight.set("drop.mask", mask)
    straight.run()
    computed = [node.name for node in graph.operations]
    close({n: graph.values[n] for n in computed}, {n: other.values[n] for n in computed})
    close(graph.gradients, other.gradients)


def test_what_was_set_stays_and_only_that(chain):
    stepper = Stepper(chain, [torch.ones(2, 1)])
    stepper.run(at("z"))
    stepper.set("z", 7.0, (0, 0))
    assert stepper.set("u", 3.0) == ["s", "z"]
    assert chain.values["z"].flatten().tolist() == [7, 3]


def test_a_gradient_on_its_way_is_changed(chain):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    stepper.turn()
    stepper.run(at("z"))
    assert chain.gradients["s"].item() == 4
    stepper.set_gradient("square", 10.0)  # behind: what has left since leaves again
    assert stepper.event.gradient.item() == 40
    assert chain.gradients["s"].item() == 40
    stepper.set_gradient("s", -1.0)  # ahead
    stepper.run()
    assert chain.gradients["u"].item() == -1


def test_a_part_of_a_gradient_is_not_added_to():
    graph = Graph()
    u = graph.parameter("u", torch.tensor([1.0, 2.0]))
    z = graph.add("z", Multiply(), u, u)
    graph.add("J", Sum(), graph.add("sum", Add(), graph.add("square", Square(), z), z))
    stepper = Stepper(graph, [])
    stepper.run(lambda event: event.phase == "backward" and event.node.name == "sum")
    assert graph.gradients["z"].tolist() == [1, 1]
    stepper.set_gradient("z", 0.0, 0)
    stepper.run()
    assert graph.gradients["z"].tolist() == [0, 1 + 2 * 4]
    assert graph.gradients["u"].tolist() == [0, 2 * 2 * 9]


def test_the_backward_pass_begins_anew(residual):
    _, graph, inputs = residual
    stepper = Stepper(graph, inputs)
    stepper.turn()
    assert (stepper.passed, graph.gradients) == (0, {})
    assert next(stepper).gradient.item() == 1
    stepper.run()
    before = dict(graph.gradients)
    stepper.turn()
    stepper.run()
    close(graph.gradients, before)


def test_autograd_is_told_of_what_was_set(residual):
    _, graph, inputs = residual
    stepper = Stepper(graph, inputs)
    stepper.run(at("second"))
    stepper.set("second", 3.0, (0, slice(None), 2))
    stepper.set("norm.weight", torch.tensor([1.0, 2.0, 3.0, 4.0]))
    stepper.run(at("output"))
    stepper.set("drop.mask", 3.0, 0)
    stepper.run(at("output"))
    stepper.set_gradient("output", 1.0, 0)
    stepper.run()
    witness = stepper.witness()
    close(graph.gradients, {name: witness.gradients[name] for name in graph.gradients})


def test_gradients_are_finished_when_nothing_is_added_any_more(residual):
    _, graph, inputs = residual
    stepper = Stepper(graph, inputs)
    stepper.run(at("drop"))
    stepper.run(at("drop"))
    assert {"relu"} <= graph.gradients.keys() - stepper.finished().keys()  # by the skip, so far
    stepper.run(at("relu"))
    assert "relu" in stepper.finished()


def test_where_a_value_is_not_finite_first():
    graph = Graph()
    u = graph.parameter("u", torch.tensor([1.0, 0.0]))
    graph.add("J", Sum(), graph.add("log", Logarithm(), graph.add("square", Square(), u)))
    stepper = Stepper(graph, [])
    assert stepper.run(nan).node.name == "log"
    stepper.set("log", 0.0)
    event = stepper.run(nan)  # g / x
    assert (event.phase, event.node.name) == ("backward", "log")
    assert event.gradient.isfinite().all()


@pytest.mark.parametrize(("limit", "name"), [(3, "square"), (1, "s"), (5, None)])
def test_where_a_number_is_too_large(chain, limit, name):
    stop = Stepper(chain, [torch.ones(1, 1)]).run(
        lambda event: event.phase == "forward" and explode(limit)(event)
    )
    assert (stop and stop.node.name) == name


def test_a_number_that_is_none_explodes_too(chain):
    assert Stepper(chain, [torch.tensor([[none]])]).run(explode()).node.name == "s"


@pytest.mark.parametrize(
    ("name", "value", "at", "sentence"),
    [
        ("c", 1.0, (), "There is no node 'c'"),
        ("square", 1.0, (), "has not reached 'square' yet"),
        ("s", torch.ones(2, 1), (), r"\(1, 1\).*\(2, 1\)"),
        ("s", 1.0, (0, 4), "no such part"),
        ("s", 1.0, (0, 0, 0), "no such part"),
    ],
)
def test_what_cannot_be_set(chain, name, value, at, sentence):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    next(stepper)
    with pytest.raises(UsageError, match=sentence):
        stepper.set(name, value, at)
    assert stepper.run() is None
    assert chain.values["J"].item() == 4


@pytest.mark.parametrize("value", [0.5, inf, none, 9])
def test_a_class_that_there_is_not(residual, value):
    _, graph, inputs = residual
    stepper = Stepper(graph, inputs)
    stepper.turn()
    J = graph.values["cross_entropy_loss"].clone()
    with pytest.raises(UsageError):
        stepper.set("t", value)
    assert torch.equal(graph.values["t"], inputs[1])
    assert torch.equal(graph.values["cross_entropy_loss"], J)


def test_a_gradient_that_has_not_come_or_goes_nowhere(chain):
    stepper = Stepper(chain, [torch.ones(1, 1)])
    stepper.turn()
    with pytest.raises(UsageError, match="has not reached 's'"):
        stepper.set_gradient("s", 0.0)
    stepper.run()
    with pytest.raises(UsageError, match="'u' is given"):
        stepper.set_gradient("u", 0.0)


def test_an_output_that_is_no_J(chain):
    chain.outputs = ("square",)
    stepper = Stepper(chain, [torch.ones(2, 1)])
    with pytest.raises(UsageError, match="not a single number J"):
        stepper.run()
    given = Stepper(chain, [torch.ones(2, 1)], g=torch.tensor([[1.0], [0.5]]))
    given.run()
    assert chain.gradients["u"].item() == 4 * 1.5
