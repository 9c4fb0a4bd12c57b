import pytest
import torch
from torch import nn

from cutaway.byhand import Graph, by_chain, by_columns, by_rows, jacobian, trace
from cutaway.byhand import operations as ops
from cutaway.byhand.operation import OPERATIONS
from cutaway.errors import UsageError


def x_of(*shape, seed=0):
    """Numbers that are far from the kinks at 0, from each other and from whole numbers."""
    generator = torch.Generator().manual_seed(seed)
    count = torch.Size(shape).numel()
    x = torch.linspace(-2.13, 2.27, max(count, 2), dtype=torch.float64)[:count]
    return x[torch.randperm(count, generator=generator)].view(shape)


GRID = x_of(2, 2, 3, 3)
LEFT, RIGHT = x_of(2, 3), x_of(2, 3, seed=1)
POSITIVE = LEFT.abs()
MEAN, VARIANCE = x_of(2), x_of(2).abs()

# Each differentiable operation on a few numbers.
LAYERS = [
    (ops.Affine(), LEFT, x_of(2, 3, seed=2), x_of(2)),
    (ops.MatrixProduct(), LEFT, RIGHT.T),
    (ops.Contraction("bi,bj->ij"), LEFT, RIGHT),
    (ops.Convolution(2, 1), GRID, x_of(2, 2, 2, 2), x_of(2)),
    (ops.TransposedConvolution(2), GRID[:, :, :2, :2], x_of(2, 1, 2, 2), x_of(1)),
    (ops.MaxPooling(2, 1), GRID),
    (ops.MeanPooling(2, 1, 1, False, False), GRID),
    (ops.AdaptiveMaxPooling(2), GRID),
    (ops.AdaptiveMeanPooling(2), GRID),
    (ops.NearestUpsampling(4), GRID),
    (ops.LinearUpsampling(4), GRID),
    (ops.BatchNormalisation(), GRID, MEAN, VARIANCE, MEAN, VARIANCE),
    (ops.BatchNormalisation(False), GRID, x_of(2), None, MEAN, VARIANCE),
    (ops.LayerNormalisation((3,)), LEFT, x_of(3), x_of(3, seed=1)),
    (ops.LocalResponseNormalisation(2, 0.5), GRID),
    (ops.CrossEntropy(label_smoothing=0.1), LEFT, torch.tensor([2, 0]), x_of(3).abs()),
    (ops.CrossEntropy(0), LEFT, RIGHT.softmax(1)),
    (ops.MeanSquaredError(), LEFT, RIGHT),
    (ops.BinaryCrossEntropy(), LEFT, RIGHT),
    (ops.Softmax(1), LEFT),
    (ops.LogSoftmax(1), LEFT),
    (ops.LogSumExp(1), LEFT),
    (ops.Sum(0), LEFT),
    (ops.Mean(0), LEFT),
    (ops.Variance(1), LEFT),
    (ops.Add(2), LEFT, RIGHT[0]),
    (ops.Subtract(2), LEFT, RIGHT[0]),
    (ops.SubtractFrom(2), LEFT, RIGHT[0]),
    (ops.Multiply(), LEFT, RIGHT[0]),
    (ops.Divide(), LEFT, RIGHT[0]),
    (ops.Where(), LEFT > 0, LEFT, RIGHT),
    (ops.Power(3), LEFT),
    *[(kind(), POSITIVE) for kind in (ops.Logarithm, ops.SquareRoot, ops.InverseRoot)],
    *[
        (kind(), LEFT)
        for kind in (
            *(ops.ReLU, ops.ReLU6, ops.LeakyReLU, ops.HardTanh, ops.Sigmoid, ops.Tanh, ops.GELU),
            *(
                ops.SiLU,
                ops.HardSigmoid,
                ops.HardSwish,
                ops.Softplus,
                ops.Sine,
                ops.Square,
                ops.Negative,
                ops.Absolute,
            ),
            *(ops.Exponential, ops.Identity, ops.Flatten, ops.Squeeze, ops.Unsqueeze),
            *(ops.Transpose, ops.Reverse),
        )
    ],
    (ops.Clamp(-1.0, 1.0), LEFT),
    (ops.Reshape((3, 2)), LEFT),
    (ops.Unflatten(1, (3, 1)), LEFT),
    (ops.Expand((2, 2, 3)), LEFT),
    (ops.Permute((1, 0)), LEFT),
    (ops.Concatenate(1), LEFT, RIGHT),
    (ops.Stack(1), LEFT, RIGHT),
    (ops.Slice(1, 0, 3, 2), LEFT),
    (ops.Select(1, -1), LEFT),
    (ops.Unfold(1, 2, 1), LEFT),
    (ops.Pad((1, 1), "replicate"), LEFT),
    (ops.Index(), LEFT, None, torch.tensor([2, 0, 2])),
    (ops.IndexCopy(1), LEFT, torch.tensor([1]), RIGHT[:, :1]),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: str(layer[0])[:50])
def test_rows_are_columns(layer):
    operation, *x = layer
    taken = [i for i, v in enumerate(x) if v is not None and v.is_floating_point()]
    fixed = {ops.BatchNormalisation: (3, 4), ops.CrossEntropy: (2,)}.get(type(operation), ())
    for wrt in set(taken) - set(fixed):
        rows, columns = by_rows(operation, *x, wrt=wrt), by_columns(operation, *x, wrt=wrt)
        assert rows.shape == (operation.forward(*copies(x)).numel(), x[wrt].numel())
        torch.testing.assert_close(rows, columns, rtol=1e-7, atol=1e-8)


def copies(x):
    return [None if v is None else v.clone() for v in x]


def test_every_operation_is_among_them():
    assert set(OPERATIONS.values()) <= {type(layer[0]) for layer in LAYERS}


def test_known_matrices():
    """dU z / dz = U; a rotation of places has ones; tau' stands on the diagonal."""
    z, u = x_of(1, 3), x_of(2, 3)
    torch.testing.assert_close(by_rows(ops.Affine(), z, u), u)
    assert by_rows(ops.Transpose(), x_of(2, 2)).tolist() == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
    ]
    s = x_of(3)
    torch.testing.assert_close(by_rows(ops.Sine(), s), s.cos().diag())


def test_inputs_stay_as_they_are():
    x = [GRID, MEAN, VARIANCE, MEAN.clone(), VARIANCE.clone()]
    before = copies(x)
    by_rows(ops.BatchNormalisation(), *x)
    by_columns(ops.BatchNormalisation(), *x)
    assert all(map(torch.equal, x, before))


def test_rows_are_in_the_inputs_precision_and_columns_in_double():
    s = LEFT.float()
    assert by_rows(ops.Tanh(), s).dtype == torch.float32
    assert by_columns(ops.Tanh(), s).dtype == torch.float64


def test_no_gradient_is_a_row_of_zeros():
    assert by_rows(ops.Constant(torch.sign, "sign"), LEFT).count_nonzero() == 0


# The chain rule


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.c1, self.c2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.head = nn.Linear(18, 3)

    def forward(self, x):
        z = torch.tanh(self.c1(x))
        z = z + torch.sigmoid(self.c2(z)) * z
        return torch.softmax(self.head(z.flatten(1)), 1)


def backward_rows(graph, name):
    """The whole network's Jacobian by backpropagation, a row at a time."""
    y = graph.values[graph.outputs[0]]
    rows = []
    for i in range(y.numel()):
        graph.backward(torch.eye(y.numel(), dtype=y.dtype)[i].view(y.shape), inputs=True)
        rows.append(graph.gradients[name].flatten())
    return torch.stack(rows)


@pytest.mark.parametrize("name", ["x", "c1.weight", "c1.bias", "c2.weight", "head.weight"])
def test_forward_and_backward_accumulation_meet(name):
    graph = trace(Skip(), GRID.float()).to(torch.float64)
    chain = by_chain(graph, GRID, wrt=name)
    assert chain.shape == (6, graph.values[name].numel())
    torch.testing.assert_close(chain, backward_rows(graph, name))


def test_the_chain_rule_is_a_product_of_matrices():
    u = x_of(2, 3, seed=4)
    graph = Graph(torch.float64)
    graph.input("z")
    graph.parameter("U", u)
    graph.add("s", ops.Affine(), "z", "U")
    graph.add("o", ops.Softmax(1), "s")
    z = x_of(1, 3)
    product = by_rows(ops.Softmax(1), z @ u.T) @ by_rows(ops.Affine(), z, u)
    torch.testing.assert_close(by_chain(graph, z, wrt="z"), product)
    torch.testing.assert_close(by_chain(graph, z, wrt="s"), by_rows(ops.Softmax(1), z @ u.T))


def test_paths_that_meet_are_added():
    """y = f(x) + f(x) has twice the Jacobian, and x x has 2 x on the diagonal."""
    graph = Graph(torch.float64)
    graph.input("x")
    graph.add("a", ops.Tanh(), "x")
    graph.add("b", ops.Tanh(), "x")
    graph.add("y", ops.Add(), "a", "b")
    torch.testing.assert_close(by_chain(graph, LEFT, wrt="x"), 2 * by_rows(ops.Tanh(), LEFT))
    graph.add("xx", ops.Multiply(), "x", "x")
    torch.testing.assert_close(by_chain(graph, LEFT, wrt="x"), (2 * LEFT.flatten()).diag())


def test_a_jacobian_is_linear_in_the_layer():
    s, t = x_of(4), x_of(4, seed=2)
    both = by_rows(ops.Add(3), s, t, wrt=0) + by_rows(ops.Add(3), s, t, wrt=1)
    torch.testing.assert_close(both, 4 * torch.eye(4, dtype=torch.float64))
    u, v = x_of(2, 4), x_of(2, 4, seed=3)
    at = [by_rows(ops.Affine(), s[None], w) for w in (u, v, 2 * u + v)]
    torch.testing.assert_close(2 * at[0] + at[1], at[2])


def test_what_has_no_say_has_zeros_and_comparisons_send_nothing():
    graph = Graph(torch.float64)
    graph.input("x")
    graph.input("unused")
    graph.add("mask", ops.Constant(lambda x: x > 0, "gt"), "x")
    graph.add("y", ops.Where(), "mask", "x", "x")
    assert by_chain(graph, LEFT, RIGHT, wrt="unused").count_nonzero() == 0
    assert by_chain(graph, LEFT, RIGHT, wrt="x").equal(torch.eye(6, dtype=torch.float64))


# What can go wrong


@pytest.mark.parametrize("by", [by_rows, by_columns])
@pytest.mark.parametrize("wrt", [-1, 1, 3])
def test_a_place_where_there_is_no_real_number(by, wrt):
    with pytest.raises(UsageError, match=f"Input {wrt} is not a tensor of real numbers"):
        by(ops.IndexCopy(1), LEFT, torch.tensor([1]), RIGHT[:, :1], wrt=wrt)


@pytest.mark.parametrize("by", [by_rows, by_columns])
def test_a_matrix_that_is_too_large(by, monkeypatch):
    monkeypatch.setattr(jacobian, "LIMIT", 35)
    with pytest.raises(UsageError, match=r"6 x 6 numbers \(Tanh\(\)\) is too large"):
        by(ops.Tanh(), LEFT)
    monkeypatch.setattr(jacobian, "LIMIT", 36)
    assert by(ops.Tanh(), LEFT).shape == (6, 6)


def test_a_network_that_is_too_large_names_the_node(monkeypatch):
    graph = trace(Skip(), GRID.float())
    monkeypatch.setattr(jacobian, "LIMIT", 36 * 36 - 1)
    with pytest.raises(UsageError, match=r"36 x 36 numbers \(x\) is too large"):
        by_chain(graph, GRID, wrt="x")


def test_an_unknown_node():
    graph = trace(Skip(), GRID.float())
    with pytest.raises(UsageError, match=r"no node 'c1\.wait'\. Did you mean 'c1\.weight'\?"):
        by_chain(graph, GRID, wrt="c1.wait")
