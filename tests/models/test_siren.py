import math

import pytest
import torch
from torch import nn

from cutaway.models import build, count
from cutaway.models.siren import SineLayer

SIZE = (16, 16)


def test_weights_start_within_the_papers_bounds_and_fill_them():
    torch.manual_seed(0)
    net = build("siren", 1, 1, SIZE, {"omega": 20.0})
    weights = [layer.W.weight for layer in net.hidden] + [net.output.weight]
    bounds = [1 / 2] + [math.sqrt(6 / 256) / 20] * 3
    for weight, bound in zip(weights, bounds, strict=True):
        assert 0.98 * bound < weight.abs().max() <= bound


def test_activations_keep_the_papers_distribution_at_every_depth():
    """omega_0 W x is N(0, 1) behind the first layer, which is wider; h is arcsine on (-1, 1)."""
    torch.manual_seed(0)
    net = build("siren", 1, 1, SIZE, {"depth": 10})
    h, all_h = torch.rand(1000, 2) * 2 - 1, []
    for i, layer in enumerate(net.hidden):
        before = layer.omega_0 * layer.W(h)
        assert i == 0 or before.std().item() == pytest.approx(1, abs=0.1)
        h = layer(h).detach()
        assert h.std().item() == pytest.approx(1 / math.sqrt(2), abs=0.03)
        all_h.append(h[:30])
    quantiles = torch.linspace(0.05, 0.95, 19)
    result = torch.cat(all_h).flatten().quantile(quantiles)
    arcsine = -torch.cos(math.pi * quantiles)
    torch.testing.assert_close(result, arcsine, rtol=0, atol=0.05)


def test_the_derivative_of_a_sine_layer_is_the_same_layer_a_quarter_turn_on():
    torch.manual_seed(0)
    layer = SineLayer(1, 5, 30.0, first=True).double()
    x = torch.rand(1, 1, dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(layer, x)[0, :, 0, 0]
    ahead = SineLayer(1, 5, 30.0, first=True).double()
    ahead.load_state_dict({"W.weight": layer.W.weight, "b": layer.b + math.pi / 2})
    torch.testing.assert_close(slope, 30 * layer.W.weight[:, 0] * ahead(x)[0])


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    net = build("siren", 1, 1, SIZE, {"width": 32}).double()
    p = (torch.rand(20, 2, dtype=torch.float64) * 2 - 1).requires_grad_()
    (gradient,) = torch.autograd.grad(net(p).sum(), p)
    h = 1e-6 * torch.eye(2, dtype=torch.float64)
    for i in range(2):
        slope = (net(p + h[i]) - net(p - h[i]))[:, 0] / 2e-6
        torch.testing.assert_close(gradient[:, i], slope, rtol=1e-5, atol=1e-7)


def test_the_second_derivative_lives_in_sines_and_dies_in_relus():
    torch.manual_seed(0)
    p = (torch.rand(20, 2) * 2 - 1).requires_grad_()
    curvature = {}
    for name in ("siren", "coordinate_mlp"):
        (g,) = torch.autograd.grad(build(name, 1, 1, SIZE)(p).sum(), p, create_graph=True)
        seconds = torch.autograd.grad(g[:, 0].sum(), p, allow_unused=True)[0]
        curvature[name] = 0.0 if seconds is None else seconds.abs().max().item()
    assert curvature["siren"] > 0.1
    assert curvature["coordinate_mlp"] == 0


@pytest.mark.parametrize("name", ["siren", "coordinate_mlp"])
def test_width_depth_and_channels(name):
    net = build(name, 3, 10, SIZE, {"width": 24, "depth": 2})
    assert net(torch.rand(7, 2)).shape == (7, 3)
    assert count(net) == 3 * 24 + 25 * 24 + 25 * 3
    assert len([m for m in net.modules() if isinstance(m, nn.Linear)]) == 3
