from math import inf, nan

import pytest
import torch
from helpers.agreement import agree, few, normal, seeds, shapes, tied
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import (
    GELU,
    Clamp,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Sine,
    Softmax,
    Softplus,
    Tanh,
)

PAIRS = [
    (ReLU(), F.relu),
    (LeakyReLU(), F.leaky_relu),
    (LeakyReLU(0.3), lambda s: F.leaky_relu(s, 0.3)),
    (ReLU6(), F.relu6),
    (HardTanh(), F.hardtanh),
    (HardTanh(-1.0, 2.0), lambda s: F.hardtanh(s, -1.0, 2.0)),
    (Clamp(-1, 1), lambda s: s.clamp(-1, 1)),
    (Clamp(min=0), lambda s: s.clamp(min=0)),
    (Clamp(max=0), lambda s: s.clamp(max=0)),
    (Sigmoid(), torch.sigmoid),
    (Tanh(), torch.tanh),
    (GELU(), F.gelu),
    (GELU("tanh"), lambda s: F.gelu(s, approximate="tanh")),
    (SiLU(), F.silu),
    (HardSigmoid(), lambda s: F.relu6(s + 3) / 6),  # PyTorch's own slope is in single precision
    (HardSwish(), F.hardswish),
    (Softplus(), F.softplus),
    (Softplus(2.0, 3.0), lambda s: F.softplus(s, 2.0, 3.0)),
    (Sine(), torch.sin),
]


@pytest.mark.parametrize(
    ("operation", "function"), PAIRS, ids=lambda f: getattr(f, "__name__", None) or str(f)
)
@few
@given(shapes, seeds, st.sampled_from([normal, tied]), st.sampled_from([1, 10]))
def test_activation(operation, function, shape, seed, numbers, factor):
    agree(operation, function, factor * numbers(*shape, seed=seed))


@pytest.mark.parametrize(
    ("operation", "function"), PAIRS, ids=lambda f: getattr(f, "__name__", None) or str(f)
)
def test_activation_in_single_precision_and_far_out(operation, function):
    s = torch.tensor([-100.0, -20.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 6.0, 20.0, 100.0])
    agree(operation, function, s, dtype=torch.float32)


@pytest.mark.parametrize("ends", [(-1, 1), (-1, None), (None, 1), (1, 1), (1, -1), (0, inf)])
def test_clamp_at_its_bounds_takes_what_the_running_pytorch_takes(ends):
    s = torch.tensor([-inf, -2, -1, 0, 1, 2, inf, nan])
    agree(Clamp(*ends), lambda s: s.clamp(*ends), s.where(~s.isnan(), 3))
    slope = Clamp(*ends).backward(torch.ones(8), s.clamp(*ends), s)[0]
    taken = s.clone().requires_grad_()
    taken.clamp(*ends).sum().backward()
    assert torch.equal(slope, taken.grad)


def test_the_slope_of_relu_at_0_is_0():
    zero = torch.zeros(1)
    assert ReLU().backward(torch.ones(1), zero, zero)[0].item() == 0


@pytest.mark.parametrize(("kind", "function"), [(Softmax, F.softmax), (LogSoftmax, F.log_softmax)])
@few
@given(st.data(), shapes, seeds, st.sampled_from([1, 100]))
def test_softmax(kind, function, data, shape, seed, factor):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    agree(kind(dim), lambda s: function(s, dim), factor * normal(*shape, seed=seed))
