"""Curvature in closed form, and weights that come back to the bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn import functional as F

from cutaway.see.landscape import (
    curvature,
    direction_of,
    direction_to,
    lanczos,
    line,
    moved_weights,
    path_plane,
    plane,
    random_direction,
    sharpness,
    weights_of,
)


class Bowl(nn.Module):
    """w' A w / 2, whose Hessian is A."""

    def __init__(self, values):
        super().__init__()
        n = len(values)
        q = torch.linalg.qr(torch.randn(n, n, dtype=torch.double)).Q
        self.a = q @ torch.diag(torch.tensor(values, dtype=torch.double)) @ q.T
        self.w = nn.Parameter(torch.randn(n, dtype=torch.double))

    def forward(self):
        return self.w @ self.a @ self.w / 2


@settings(max_examples=20)
@given(some.lists(some.floats(-5, 5), min_size=2, max_size=8, unique_by=lambda v: round(v, 1)))
def test_the_spectrum_of_a_bowl_is_its_own(values):
    torch.manual_seed(len(values))
    bowl = Bowl(values)
    eigenvalues, shares = curvature(bowl, bowl, steps=len(values))
    assert eigenvalues.tolist() == pytest.approx(sorted(values), abs=1e-4)
    assert shares.sum().item() == pytest.approx(1)


def test_the_hessian_of_least_squares():
    torch.manual_seed(0)
    x, t = torch.randn(50, 6, dtype=torch.double), torch.randn(50, 1, dtype=torch.double)
    model = nn.Linear(6, 1, bias=False).double()
    values, _ = curvature(model, lambda: F.mse_loss(model(x), t), steps=6)
    assert values.tolist() == pytest.approx(torch.linalg.eigvalsh(2 * x.T @ x / 50).tolist())


def test_few_steps_find_the_ends():
    matrix = torch.diag(torch.cat([torch.rand(500, dtype=torch.double), torch.tensor([9.0, -4.0])]))
    diagonal, beside = lanczos(lambda v: matrix @ v, torch.ones(502, dtype=torch.double), 12)
    eigenvalues = torch.linalg.eigvalsh(
        torch.diag(diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1)
    )
    assert eigenvalues[0].item() == pytest.approx(-4)
    assert eigenvalues[-1].item() == pytest.approx(9)


def test_the_sharpness_of_a_bowl():
    torch.manual_seed(3)
    bowl = Bowl([0.5, -1.0, 3.0, 2.0])
    g = (bowl.a @ bowl.w).detach()
    before = bowl.w.detach().clone()
    result = sharpness(bowl, bowl, radius=0.3)
    bend = g @ bowl.a @ g / (g @ g)
    assert result.rise == pytest.approx((0.3 * g.norm() + 0.09 * bend / 2).item())
    assert result.largest == pytest.approx(3)
    assert torch.equal(bowl.w.detach(), before)
    assert bowl.w.grad is None
    with torch.no_grad():
        bowl.w.zero_()
    assert sharpness(bowl, bowl, radius=0.3).rise == 0


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))


def test_weights_come_back_to_the_bit_also_after_an_error():
    model = network()
    before = weights_of(model)
    with moved_weights(model, [(0.3, random_direction(model))]):
        assert not torch.equal(weights_of(model), before)
    with pytest.raises(KeyError), moved_weights(model, [(0.3, random_direction(model))]):
        raise KeyError
    assert torch.equal(weights_of(model), before)


def test_a_random_direction_has_the_length_of_each_filter():
    model = network()
    for d, p in zip(random_direction(model), model.parameters(), strict=True):
        if p.ndim > 1:
            assert torch.allclose(d.flatten(1).norm(dim=1), p.flatten(1).norm(dim=1))
        else:
            assert not d.any()


def test_a_line_between_two_networks_has_them_at_its_ends():
    here, there = network(), network()
    torch.manual_seed(5)
    nn.init.normal_(there[3].weight)
    measure = lambda: here[3].weight.norm().item()  # noqa: E731
    values = line(here, measure, direction_to(here, there), [0, 0.5, 1])
    assert values[0].item() == pytest.approx(here[3].weight.norm().item())
    assert values[2].item() == pytest.approx(there[3].weight.norm().item())


def test_a_plane_of_a_bowl():
    bowl = Bowl([1.0, 1.0])
    bowl.w.data.zero_()
    ones = [[torch.tensor(v, dtype=torch.double)] for v in ([1.0, 0.0], [0.0, 1.0])]
    values = plane(bowl, lambda: bowl().item(), *ones, [0, 1, 2], [0, 3])
    expected = [[0, 4.5], [0.5, 5], [2, 6.5]]
    assert torch.allclose(values, torch.tensor(expected))


def test_the_plane_of_a_path_holds_a_path_that_lies_in_one():
    model = network()
    torch.manual_seed(2)
    end, (u, v) = weights_of(model), torch.linalg.qr(torch.randn(len(weights_of(model)), 2)).Q.T
    path = [end + a * u + b * v for a, b in ((5, 1), (3, -1), (2, 0.5), (1, 0.2), (0, 0))]
    directions, places, shares = path_plane(path)
    assert shares.sum().item() == pytest.approx(1, abs=1e-4)
    assert torch.allclose(directions @ directions.T, torch.eye(2), atol=1e-4)
    again = end + places[0] @ directions
    assert torch.allclose(again, path[0], atol=1e-4)
    assert [d.shape for d in direction_of(model, directions[0])] == [
        p.shape for p in model.parameters()
    ]
