from dataclasses import dataclass

import pytest
import torch
from helpers.traced import Of, agrees, kinds, x_of
from torch import nn
from torch.nn import functional as F

from cutaway.byhand import Operation, spelled, trace
from cutaway.byhand.operation import OPERATIONS
from cutaway.errors import UsageError


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
    assert "The operation aten.atan.default has no gradient by hand" in says
    assert "test_trace_refusals.py" in says
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
        with pytest.raises(UsageError, match=r"The operation aten\.chunk\.default has no gradient"):
            trace(model, x)
    finally:
        OPERATIONS.pop("aten.atan.default", None)


def test_an_operation_with_more_tensors_than_are_known_is_named():
    def function(u, x):
        return F.binary_cross_entropy_with_logits(x @ u, x, pos_weight=x)

    with pytest.raises(
        UsageError, match=r"binary_cross_entropy.* with so many tensors has no gradient"
    ):
        trace(Of(function), x_of(4, 3))


def test_a_path_that_depends_on_values_names_its_line():
    def function(u, x):
        if x.sum() > 0:
            return x @ u
        return x

    with pytest.raises(
        UsageError, match=r"test_trace_refusals\.py, line \d+ \(if x\.sum\(\) > 0:\)"
    ):
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
    assert "test_trace_refusals.py" in str(told.value)
    assert "return x @ u" in str(told.value)


def test_an_image_without_a_batch_is_refused_when_it_is_computed():
    graph = trace(nn.Conv2d(1, 2, 3), x_of(1, 5, 5))
    with pytest.raises(UsageError, match=r"for one image x\[None\]"):
        graph.forward(x_of(1, 5, 5))


class PartChanged(nn.Linear):
    def forward(self, x):
        s = super().forward(x)
        part = s[:, 0]
        part.mul_(2)
        return part[:, None] * s


def test_a_part_that_is_changed_in_place_is_refused_with_its_place():
    with pytest.raises(
        UsageError, match=r"changed in place at .*test_trace_refusals\.py.*\(part\.mul_\(2\)"
    ):
        trace(PartChanged(3, 3), x_of(4, 3))


def test_a_part_that_is_changed_in_place_and_read_as_part_of_the_whole_is_refused():
    def function(u, x):
        s = x @ u
        s[:, 0].mul_(2)
        return s

    with pytest.raises(UsageError, match="changed in place"):
        trace(Of(function), x_of(4, 3))


def test_what_shares_a_changed_tensors_memory_is_refused():
    def cleared(u, x):
        s = x @ u
        s[:, 0] = 0
        return s

    def seen(u, x):
        s = x @ u
        flat = s.flatten()
        s.add_(1)
        return flat

    for function in (cleared, seen):
        with pytest.raises(UsageError, match="changed in place"):
            trace(Of(function), x_of(4, 3))
