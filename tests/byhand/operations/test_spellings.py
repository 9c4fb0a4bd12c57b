"""Every name of PyTorch's operator library that is known by hand, called and differentiated."""

import ast
from pathlib import Path

import pytest
import torch
from helpers.agreement import close, normal
from torch import nn

from cutaway.byhand import trace
from cutaway.byhand.operation import OPERATIONS

aten = torch.ops.aten

# What each name is called with; x has the shape (2, 3, 4, 5) and no number near 0.
CALLS = {
    "abs.default": lambda x, f: f(x),
    "adaptive_avg_pool1d.default": lambda x, f: f(x[0], [2]),
    "adaptive_avg_pool2d.default": lambda x, f: f(x, [3, 2]),
    "adaptive_avg_pool3d.default": lambda x, f: f(x[None], [2, 3, 2]),
    "adaptive_max_pool1d.default": lambda x, f: f(x[0], [2])[0],
    "adaptive_max_pool2d.default": lambda x, f: f(x, [3, 2])[0],
    "adaptive_max_pool3d.default": lambda x, f: f(x[None], [2, 3, 2])[0],
    "add.Scalar": lambda x, f: f(x, 2.0, 3.0),
    "add.Tensor": lambda x, f: f(x, x[0], alpha=3),
    "alias.default": lambda x, f: f(x),
    "avg_pool1d.default": lambda x, f: f(x[0], [2]),
    "avg_pool2d.default": lambda x, f: f(x, [3, 2], [2, 1], [1, 1], True, False, 5),
    "avg_pool3d.default": lambda x, f: f(x[None], [2, 2, 2]),
    "batch_norm.default": lambda x, f: f(
        x, x[0, :, 0, 0], x[0, :, 1, 0], None, None, True, 0.1, 0.5, False
    ),
    "binary_cross_entropy_with_logits.default": lambda x, f: f(x, x.sigmoid(), None, None, 2),
    "bmm.default": lambda x, f: f(x[0], x[1].transpose(1, 2)),
    "cat.default": lambda x, f: f([x, x[:, :1]], 1),
    "clamp.default": lambda x, f: f(x, -1.0, 0.5),
    "clone.default": lambda x, f: f(x),
    "contiguous.default": lambda x, f: f(x.transpose(1, 2)),
    "conv1d.default": lambda x, f: f(x[0], x[1, :2, :, :2]),
    "conv1d.padding": lambda x, f: f(x[:, :, 0], x[:, :, 1, :3], None, [1], "same"),
    "conv2d.default": lambda x, f: f(x, x[:, :, :3, :2], x[:, 0, 0, 0], [2, 1], [1, 2]),
    "conv2d.padding": lambda x, f: f(x, x[:, :, :3, :2], None, [2, 1], "valid", [1, 2]),
    "conv3d.default": lambda x, f: f(x[None], x[:, None, :2, :2, :2].transpose(0, 1), None),
    "conv3d.padding": lambda x, f: f(x[None], x[None, :, :1, :3, :3], None, [1] * 3, "same"),
    "conv_transpose1d.default": lambda x, f: f(x[:, :, 0], x[0, :, :, :3], None, [2], [1], [1]),
    "conv_transpose2d.input": lambda x, f: f(x, x[0, :, None], x[:1, 0, 0, 0], [3, 2], [1, 0]),
    "conv_transpose3d.input": lambda x, f: f(x[None], x[:, :1, None, :2, :2], None, [2] * 3),
    "cross_entropy_loss.default": lambda x, f: f(
        x[:, :, 0, 0], torch.tensor([2, 0]), torch.arange(1.0, 4), 2, 1, 0.1
    ),
    "div.Scalar": lambda x, f: f(x, 3.0),
    "div.Tensor": lambda x, f: f(x[0], x),
    "einsum.default": lambda x, f: f("bchw,dchw->bd", [x, x]),
    "exp.default": lambda x, f: f(x),
    "expand.default": lambda x, f: f(x[:, :, :1], [6, 2, 3, 4, -1]),
    "flatten.using_ints": lambda x, f: f(x, 1, 2),
    "gelu.default": lambda x, f: f(x, approximate="tanh"),
    "hardtanh.default": lambda x, f: f(x, -0.5, 2.0),
    "hardsigmoid.default": lambda x, f: f(4 * x),
    "hardswish.default": lambda x, f: f(4 * x),
    "index.Tensor": lambda x, f: f(x, [None, torch.tensor([2, 0, 2])]),
    "index_copy.default": lambda x, f: f(x, 1, torch.tensor([2, 0]), x[:, :2] * 3),
    "layer_norm.default": lambda x, f: f(x, [4, 5], x[0, 0], None, 0.1),
    "leaky_relu.default": lambda x, f: f(x, 0.2),
    "lift_fresh_copy.default": lambda x, f: f(x),
    "linear.default": lambda x, f: f(x, x[0, 0], x[0, 0, :, 0]),
    "log.default": lambda x, f: f(x.abs()),
    "log_softmax.int": lambda x, f: f(x, 1),
    "logsumexp.default": lambda x, f: f(x, [1, 3], True),
    "matmul.default": lambda x, f: f(x, x[0].transpose(1, 2)),
    "max_pool1d.default": lambda x, f: f(x[0], [2], [1], [1], [2]),
    "max_pool2d.default": lambda x, f: f(x, [3, 2], [2, 1], [1, 1], [1, 2], True),
    "max_pool3d.default": lambda x, f: f(x[None], [2, 2, 3]),
    "mean.default": lambda x, f: f(x),
    "mean.dim": lambda x, f: f(x, [1, -1], True),
    "mm.default": lambda x, f: f(x[0, 0], x[1, 1].transpose(0, 1)),
    "mse_loss.default": lambda x, f: f(x, x * x, 2),
    "mul.Scalar": lambda x, f: f(x, 3.0),
    "mul.Tensor": lambda x, f: f(x, x[0]),
    "neg.default": lambda x, f: f(x),
    "numpy_T.default": lambda x, f: f(x[0, 0]),
    "pad.default": lambda x, f: f(x, [1, 2, 0, 1], "reflect"),
    "permute.default": lambda x, f: f(x, [2, 0, -1, 1]),
    "pow.Tensor_Scalar": lambda x, f: f(x, 3.0),
    "relu.default": lambda x, f: f(x),
    "relu6.default": lambda x, f: f(4 * x),
    "reshape.default": lambda x, f: f(x, [6, -1]),
    "rsqrt.default": lambda x, f: f(x.abs()),
    "rsub.Scalar": lambda x, f: f(x, 2.0, 3.0),
    "rsub.Tensor": lambda x, f: f(x, x[0], alpha=3),
    "select.int": lambda x, f: f(x, 1, -2),
    "sigmoid.default": lambda x, f: f(x),
    "silu.default": lambda x, f: f(x),
    "sin.default": lambda x, f: f(x),
    "slice.Tensor": lambda x, f: f(x, 2, 1, 4, 2),
    "softmax.int": lambda x, f: f(x, 1),
    "softplus.default": lambda x, f: f(x, 2.0, 1.0),
    "sqrt.default": lambda x, f: f(x.abs()),
    "square.default": lambda x, f: f(x),
    "squeeze.default": lambda x, f: f(x[:1]),
    "squeeze.dim": lambda x, f: f(x[:1, :1], 1),
    "squeeze.dims": lambda x, f: f(x[:1, :1], [0, 1]),
    "stack.default": lambda x, f: f([x, 2 * x], 1),
    "sub.Scalar": lambda x, f: f(x, 2.0, 3.0),
    "sub.Tensor": lambda x, f: f(x, x[0], alpha=3),
    "sum.default": lambda x, f: f(x),
    "sum.dim_IntList": lambda x, f: f(x, [1, -1], True),
    "t.default": lambda x, f: f(x[0, 0]),
    "tanh.default": lambda x, f: f(x),
    "transpose.int": lambda x, f: f(x, 1, -1),
    "unflatten.int": lambda x, f: f(x, 2, [2, -1]),
    "unfold.default": lambda x, f: f(x, 3, 3, 2),
    "unsqueeze.default": lambda x, f: f(x, -2),
    "upsample_bilinear2d.vec": lambda x, f: f(x, [7, 3], True, None),
    "upsample_linear1d.vec": lambda x, f: f(x[0], None, False, [1.5]),
    "upsample_nearest1d.vec": lambda x, f: f(x[0], [7], None),
    "upsample_nearest2d.vec": lambda x, f: f(x, None, [2.0, 2.0]),
    "upsample_nearest3d.vec": lambda x, f: f(x[None], [2, 5, 7], None),
    "upsample_trilinear3d.vec": lambda x, f: f(x[None], [2, 5, 7], False, None),
    "var.correction": lambda x, f: f(x, [0, 2], correction=0, keepdim=True),
    "view.default": lambda x, f: f(x, [6, -1]),
    "where.Scalar": lambda x, f: f(x > 0, 2.0, 3.0) * x,
    "where.ScalarOther": lambda x, f: f(x > 0, x, 3.0),
    "where.ScalarSelf": lambda x, f: f(x > 0, 3.0, x),
    "where.self": lambda x, f: f(x > 0, x, x[0] * 2),
}


class Called(nn.Module):
    def __init__(self, name):
        super().__init__()
        packet, overload = name.split(".")
        self.name, self.function = name, getattr(getattr(aten, packet), overload)

    def forward(self, x):
        return CALLS[self.name](x, self.function)


def test_every_name_is_called_here():
    assert {f"aten.{name}" for name in CALLS} == OPERATIONS.keys()


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", CALLS)
def test_a_name_is_read_with_its_arguments(name):
    """Traced, the value is PyTorch's and the gradient autograd's."""
    x = normal(2, 3, 4, 5).float()
    x = x + 0.2 * x.sign()
    model = Called(name)
    graph = trace(model, x)
    assert type_of(name) in {type(node.operation) for node in graph.operations}
    y = model(x.requires_grad_())
    close(graph.forward(x), y, torch.float32)
    g = normal(*y.shape, seed=1).float()
    graph.backward(g, inputs=True)
    (slope,) = torch.autograd.grad(y, x, g)
    close(graph.gradients[graph.inputs[0]], slope, torch.float32)


def type_of(name):
    return OPERATIONS[f"aten.{name}"]


def test_every_operation_has_a_property_test():
    """Beside this table: each class is made somewhere in the other files of this folder."""
    made = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(path.read_text())
        made |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert {kind.__name__ for kind in OPERATIONS.values()} - made == set()
