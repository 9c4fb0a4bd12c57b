from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.byhand import Operation, spelled, trace
from cutaway.byhand.operation import SPELLINGS
from cutaway.byhand.operations import (
    DropoutMask,
    LocalResponseNormalisation,
    Multiply,
    ReLU,
)
from cutaway.errors import UsageError


class Of(nn.Module):
    """A function as a module, with a weight."""

    def __init__(self, function, side=3):
        super().__init__()
        torch.manual_seed(0)
        self.function, self.u = function, nn.Parameter(torch.randn(side, side))

    def forward(self, *x):
        return self.function(self.u, *x)


def x_of(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def agrees(model, *x):
    """The graph's value and gradients are the module's own; gives the graph."""
    graph, learned = trace(model, *x), dict(model.named_parameters())
    y = model(*x)
    y = y[0] if isinstance(y, tuple) else y
    g = x_of(*y.shape)
    slopes = torch.autograd.grad(y, list(learned.values()), g, allow_unused=True)
    torch.testing.assert_close(graph.forward(*x), y)
    found = by_tensor(graph.backward(g), graph)
    assert len(found) == sum(slope is not None for slope in slopes)
    for value, slope in zip(learned.values(), slopes, strict=True):
        if slope is not None:
            torch.testing.assert_close(found[value.data_ptr()], slope, rtol=1e-4, atol=1e-5)
    return graph


def by_tensor(gradients, graph):
    """A tensor that has two names is known by where it lies."""
    return {graph.parameters[name].data_ptr(): g for name, g in gradients.items()}


def kinds(graph):
    return [node.title for node in graph.operations]


# Whole networks


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.c2, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(x + self.c2(self.act(self.n1(self.c1(x)))))


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        return self.head(torch.cat([x, self.up(F.gelu(self.down(x)))], 1))


NETWORKS = {
    "perceptron": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Sigmoid(), nn.Linear(8, 3)),
        (5, 3, 2, 2),
    ),
    "lenet": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 10), nn.LogSoftmax(1),
        ),
        (3, 1, 18, 18),
    ),
    "residual": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), Residual(), Residual()), (2, 1, 7, 7)),
    "skip": (Skip, (2, 2, 6, 6)),
    "normalised": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, groups=3), nn.LocalResponseNorm(4), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(2), nn.Upsample(scale_factor=2), nn.Conv2d(6, 2, 2),
        ),
        (2, 3, 6, 6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_whole_networks_are_autograds(name, training):
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    agrees(make().train(training), x_of(*shape))


def test_a_whole_loss_with_targets_of_whole_numbers():
    model, target = Of(lambda u, x, t: F.cross_entropy(x @ u, t)), torch.tensor([0, 2, 1, 1])
    graph = agrees(model, x_of(4, 3), target)
    assert graph.inputs == ["x_0", "x_1"]
    assert graph.backward()["u"].shape == (3, 3)


def test_another_batch_goes_through_the_same_graph():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    graph, x = trace(model, x_of(2, 1, 4, 4)), x_of(7, 1, 4, 4)
    torch.testing.assert_close(graph.forward(x), model(x))


# What becomes of modules


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


class PartChanged(nn.Linear):
    def forward(self, x):
        s = super().forward(x)
        part = s[:, 0]
        part.mul_(2)
        return part


def test_a_part_that_is_changed_in_place_is_refused_with_its_place():
    with pytest.raises(
        UsageError, match=r"changed in place at .*test_trace\.py.*\(part\.mul_\(2\)"
    ):
        trace(PartChanged(3, 3), x_of(4, 3))


@pytest.mark.xfail(strict=True, reason="what reads the whole does not hang on the changed part")
def test_a_part_that_is_changed_in_place_and_read_as_part_of_the_whole_is_refused():
    def function(u, x):
        s = x @ u
        s[:, 0].mul_(2)
        return s

    with pytest.raises(UsageError, match="changed in place"):
        trace(Of(function), x_of(4, 3))


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


# What can go wrong


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.u = nn.Parameter(torch.eye(3))

    def forward(self, x):
        a, b = torch.chunk(torch.atan(x @ self.u), 2)
        return a * b


def test_an_unknown_operation_is_named_with_its_place_and_can_be_added():
    model, x = Unknown(), x_of(4, 3)
    with pytest.raises(UsageError) as told:
        trace(model, x)
    says = str(told.value)
    assert "The operation aten.atan.default is not known by hand" in says
    assert "test_trace.py" in says
    assert "torch.atan(x @ self.u)" in says
    assert '@spelled("atan.default")' in says
    try:

        @spelled("atan.default")
        @dataclass(frozen=True)
        class ArcTangent(Operation):
            """y = atan(x);  dJ/dx = g / (1 + x^2)"""

            def forward(self, x):
                return x.atan()

            def backward(self, g, y, x):
                return (g / (1 + x * x),)

        assert kinds(agrees(Of(lambda u, x: torch.atan(x @ u)), x)) == [
            "MatrixProduct",
            "ArcTangent",
        ]
        with pytest.raises(UsageError, match=r"The operation aten\.chunk\.default is not known"):
            trace(model, x)
    finally:
        SPELLINGS.pop("aten.atan.default", None)


def test_an_operation_with_more_tensors_than_are_known_is_named():
    def function(u, x):
        return F.binary_cross_entropy_with_logits(x @ u, x, pos_weight=x)

    with pytest.raises(
        UsageError, match=r"binary_cross_entropy.* with so many tensors is not known"
    ):
        trace(Of(function), x_of(4, 3))


def test_a_path_that_depends_on_values_names_its_line():
    def function(u, x):
        if x.sum() > 0:
            return x @ u
        return x

    with pytest.raises(UsageError, match=r"test_trace\.py, line \d+ \(if x\.sum\(\) > 0:\)"):
        trace(Of(function), x_of(4, 3))


def test_an_example_of_whole_numbers():
    with pytest.raises(UsageError, match=r"The example is of whole numbers \(torch\.int64\)"):
        trace(nn.Linear(3, 2), torch.ones(2, 3, dtype=torch.int64))


def test_no_example():
    with pytest.raises(UsageError, match="The example is missing"):
        trace(nn.Linear(3, 2))


def test_an_example_of_the_wrong_shape_names_the_place():
    def function(u, x):
        return x @ u

    with pytest.raises(UsageError) as told:
        trace(Of(function), x_of(4, 5))
    assert "an example of the shape (4, 5)" in str(told.value)
    assert "test_trace.py" in str(told.value)
    assert "return x @ u" in str(told.value)


def test_an_image_without_a_batch_is_refused_when_it_is_computed():
    graph = trace(nn.Conv2d(1, 2, 3), x_of(1, 5, 5))
    with pytest.raises(UsageError, match=r"for one image x\[None\]"):
        graph.forward(x_of(1, 5, 5))


def test_every_node_keeps_a_reference_by_pytorch():
    graph, x = trace(Residual(), x_of(2, 4, 5, 5)), x_of(2, 4, 5, 5)
    graph.forward(x)
    for node in graph.operations:
        if node.operation == ReLU():
            value = node.reference(*graph.arguments(node))
            torch.testing.assert_close(value, graph.values[node.name])
