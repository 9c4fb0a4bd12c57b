from collections import OrderedDict

import pytest
import torch
from helpers.traced import Of, Residual, agrees, kinds, x_of
from torch import nn
from torch.nn import functional as F

from cutaway.byhand import trace
from cutaway.byhand.operations import (
    DropoutMask,
    LocalResponseNormalisation,
    Multiply,
    ReLU,
)


def test_names_are_the_modules_paths():
    model = nn.Sequential(
        OrderedDict(c1=nn.Conv2d(1, 2, 3), act=nn.ReLU(), block=nn.Sequential(nn.Flatten()))
    )
    graph = trace(model, x_of(2, 1, 4, 4))
    assert list(graph.nodes) == ["c1.weight", "c1.bias", "input", "c1", "act", "block.0"]
    assert [node.place for node in graph.operations] == ["c1", "act", "block.0"]
    assert graph.outputs == ("block.0",)
    assert graph.parameters["c1.weight"].data_ptr() == model.c1.weight.data_ptr()


def test_a_module_that_is_called_twice_has_numbered_nodes():
    model = Residual().eval()
    graph = trace(model, x_of(1, 4, 5, 5))
    assert [n for n in graph.nodes if n.startswith("act")] == ["act", "act:2"]


def test_each_call_of_a_dropout_has_the_next_number():
    class Thrice(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout()

        def forward(self, x):
            return self.drop(self.drop(self.drop(x)))

    names = [node.name for node in trace(Thrice(), x_of(2, 3)).operations]
    assert names == ["drop.mask", "drop", "drop:2.mask", "drop:2", "drop:3.mask", "drop:3"]


def test_names_that_meet_are_told_apart():
    """A parameter named like an input, a number like a module, and numbers that look the same."""

    class Named(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(3, 3), nn.Tanh(), nn.Sigmoid())
            self.register_parameter("x", nn.Parameter(torch.full((3,), 0.5)))

        def forward(self, x):
            for module in self:
                x = module(x)
            return 2 * x * self.x * 1.0000001 + 1.0000002

    graph = agrees(Named(), x_of(4, 3))
    assert graph.inputs == ["x:2"]
    constants = [node.name for node in graph.nodes.values() if node.kind == "constant"]
    assert constants == ["2:2", "1:2", "1:3"]


def test_shared_weights_are_one_leaf():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)))

    model = Tied()
    parameters = agrees(model, x_of(4, 3)).parameters
    shared = [v for v in parameters.values() if v.data_ptr() == model.a.weight.data_ptr()]
    assert len(parameters) == 3
    assert len(shared) == 1


def test_only_what_is_learned_counts_as_a_parameter():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    graph = trace(model, x_of(2, 3), learned=model[1].parameters())
    assert graph.parameters.keys() == {"1.weight", "1.bias"}
    graph.forward(x_of(2, 3))
    assert graph.backward(torch.ones(2, 1)).keys() == {"1.weight", "1.bias"}


def test_an_unused_parameter_has_no_gradient():
    class Spare(nn.Linear):
        def __init__(self):
            super().__init__(3, 2)
            self.spare = nn.Parameter(torch.ones(2))

    agrees(Spare(), x_of(2, 3))


def test_relu_in_place():
    graph = agrees(Of(lambda u, x: F.relu(x @ u, inplace=True) * 2), x_of(4, 3))
    assert kinds(graph) == ["MatrixProduct", "ReLU", "Multiply"]


def test_what_is_added_in_place_counts_for_what_comes_after():
    def function(u, x):
        s = x @ u
        z = 3 * s
        s += 1
        return z * s

    agrees(Of(function), x_of(4, 3))


def test_nothing_is_learned_through_a_block_without_gradients():
    def function(u, x):
        with torch.no_grad():
            scale = (x @ u).abs().mean()
        return x @ u / scale

    graph = agrees(Of(function), x_of(4, 3))
    assert graph.nodes[graph.operations[-1].inputs[1]].operation.name == "detach"


def test_nothing_is_learned_through_detach():
    agrees(Of(lambda u, x: (x @ u) * (x @ u).detach()), x_of(4, 3))


def test_two_outputs():
    graph = agrees(Of(lambda u, x: (x @ u, u.tanh())), x_of(4, 3))
    assert [graph.nodes[name].title for name in graph.outputs] == ["MatrixProduct", "Tanh"]
    assert graph.values[graph.outputs[1]].shape == (3, 3)


def test_several_inputs_in_order():
    agrees(Of(lambda u, a, b: a @ u - b), x_of(4, 3), x_of(1, 3))


def test_buffers_and_numbers_are_constants():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.u = nn.Parameter(torch.ones(3))
            self.register_buffer("scale", torch.arange(3.0))

        def forward(self, x):
            return 2 * x * self.u * self.scale + 2

    graph = agrees(Scaled(), x_of(4, 3))
    constants = [n.name for n in graph.nodes.values() if n.kind == "constant"]
    assert constants == ["scale", "2"]


def test_local_response_normalisation_is_one_node():
    model = nn.Sequential(nn.Conv2d(3, 6, 1), nn.LocalResponseNorm(5, 0.5, 0.6, 2.0), nn.ReLU())
    graph = agrees(model, x_of(2, 3, 4, 4))
    assert kinds(graph) == ["Convolution", "LocalResponseNormalisation", "ReLU"]
    assert graph.nodes["1"].operation == LocalResponseNormalisation(5, 0.5, 0.6, 2.0)


@pytest.mark.parametrize(
    ("layer", "maps"), [(nn.Dropout(0.3), False), (nn.Dropout2d(0.3), True)], ids=str
)
def test_dropout_is_a_mask_and_a_product(layer, maps):
    model, x = nn.Sequential(nn.Conv2d(3, 40, 1), layer), x_of(2, 3, 4, 4)
    graph = trace(model, x)
    assert graph.nodes["1.mask"].operation == DropoutMask(0.3, maps=maps)
    assert graph.nodes["1"].operation == Multiply()
    torch.manual_seed(0)
    y = graph.forward(x)
    mask = graph.values["1.mask"]
    assert mask.shape == ((2, 40, 1, 1) if maps else (2, 40, 4, 4))
    torch.testing.assert_close(y, model[0](x) * mask)
    graph.backward(torch.ones_like(y))
    torch.testing.assert_close(graph.gradients["0"], mask.expand_as(y))
    assert kinds(trace(model.eval(), x)) == ["Convolution", "Identity"]


def test_running_statistics_follow_the_batch_while_training():
    torch.manual_seed(0)
    ours, theirs = nn.BatchNorm2d(3, momentum=0.3), nn.BatchNorm2d(3, momentum=0.3)
    graph, x = trace(ours, x_of(4, 3, 2, 2)), 3 * x_of(4, 3, 2, 2) + 1
    for _ in range(3):
        torch.testing.assert_close(graph.forward(x), theirs(x))
    assert not torch.equal(theirs.running_mean, torch.zeros(3))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


def test_running_statistics_stay_at_inference():
    model = nn.BatchNorm2d(3).eval()
    graph, x = trace(model, x_of(4, 3, 2, 2)), x_of(4, 3, 2, 2)
    torch.testing.assert_close(graph.forward(x), model(x))
    assert torch.equal(model.running_mean, torch.zeros(3))


def test_tracing_leaves_the_module_alone():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(0)
    trace(model, x_of(2, 1, 3, 3))
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), drawn)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_every_node_keeps_a_reference_by_pytorch():
    graph, x = trace(Residual(), x_of(2, 4, 5, 5)), x_of(2, 4, 5, 5)
    graph.forward(x)
    for node in graph.operations:
        if node.operation == ReLU():
            value = node.reference(*graph.arguments(node))
            torch.testing.assert_close(value, graph.values[node.name])


def test_a_network_in_float64():
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh()).double()
    x = torch.rand(2, 3, dtype=torch.float64)
    graph = trace(network, x)
    assert graph.dtype is torch.float64
    torch.testing.assert_close(graph.forward(x), network(x).detach())
