"""Attributions against worked values: a linear network's are its weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.attribution import (
    attention,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
    scores,
    share_outside,
    slopes,
)


def linear() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(2 * 5 * 4, 3))


class Reusing(nn.Module):
    """ReLU twice, once as a module and once as a function, with dropout between."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.a, self.b = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.relu, self.drop, self.out = nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 3)

    def forward(self, x):
        z = self.drop(self.relu(self.b(self.relu(F.softplus(self.a(x))))))
        return self.out(F.relu(z - 0.01).mean((2, 3)))


def images(n=3):
    return torch.randn(n, 2, 5, 4, generator=torch.Generator().manual_seed(2))


T = torch.tensor([2, 0, 1])


def test_of_a_linear_network_all_are_its_weights():
    model, x = linear(), images()
    w = model[1].weight[T].reshape(3, 2, 5, 4).detach()
    assert torch.allclose(saliency(model, x, T), w.abs().amax(1))
    assert torch.allclose(integrated_gradients(model, x, T, steps=2), w * x, atol=1e-6)
    maps = occlusion(model, x, T, patch=1, stride=1)
    assert torch.allclose(maps, (w * x).sum(1), atol=1e-5)


@settings(max_examples=15)
@given(some.integers(0, 100))
def test_integrated_gradients_sum_to_the_difference_of_the_scores(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(36, 5), nn.GELU(), nn.Linear(5, 3)
    )
    x, base = torch.randn(3, 2, 5, 4), torch.randn(3, 2, 5, 4)
    sums = integrated_gradients(model, x, T, base, steps=40).sum((1, 2, 3))
    with torch.no_grad():
        assert torch.allclose(sums, scores(model, x, T) - scores(model, base, T), atol=1e-4)


def test_slopes_are_those_of_small_steps_where_relu_is_reused():
    model, x = Reusing().double(), images().double()
    exported, step = slopes(model, x, T), torch.randn(x.shape, dtype=torch.double) * 1e-6
    with torch.no_grad():
        change = scores(model.eval(), x + step, T) - scores(model, x - step, T)
    assert torch.allclose(change, 2 * (exported * step).sum((1, 2, 3)), rtol=1e-3, atol=1e-9)


def test_grad_cam_of_a_mean_and_a_linear_layer_is_its_class_map():
    """Then a_k is w_k over the number of places (Selvaraju et al. 2017, section 3.1)."""
    model, x = (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        images(),
    )
    result = grad_cam(model, x, T, "0")
    with torch.no_grad():
        maps, w = model[0](x), model[3].weight[T] / (3 * 2)
        cam = torch.einsum("bk,bkhw->bhw", w, maps).relu()
    assert result.shape == (3, 5, 4)
    assert torch.allclose(result, F.interpolate(cam[:, None], (5, 4), mode="bilinear")[:, 0])


def test_grad_cam_wants_places():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(24, 3))
    with pytest.raises(UsageError, match="'2' are not maps"):
        grad_cam(model, images(), T, "2")


def test_every_pixel_is_covered():
    maps = occlusion(linear(), images(), T, patch=3, stride=2)
    assert maps.isfinite().all()


def test_nothing_of_the_model_is_changed():
    model = Reusing().train()
    stream = torch.get_rng_state()
    for way in (saliency, integrated_gradients, occlusion):
        way(model, images(), T)
    grad_cam(model, images(), T, "b")
    assert torch.equal(stream, torch.get_rng_state())
    assert all(p.grad is None for p in model.parameters())
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_signals_are_explained_too():
    model = nn.Sequential(
        nn.Conv1d(1, 2, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(2, 3)
    )
    x = torch.randn(3, 1, 20)
    assert grad_cam(model, x, T, "0").shape == occlusion(model, x, T).shape == (3, 20)


def test_the_share_outside_a_mask():
    """3 of 3 + 1 + |-4| lie outside, on one of four pixels; channels count by their sizes."""
    maps = torch.tensor([[[3.0, 1.0], [-4.0, 0.0]]])
    masks = torch.tensor([[[False, True], [True, True]]])
    shares = share_outside(maps, masks)
    assert shares.outside.tolist() == [3 / 8]
    assert shares.area.tolist() == [1 / 4]
    assert shares.density.tolist() == [3 / 2]
    signed = torch.stack([maps, -maps], 1)
    assert share_outside(signed, masks).outside.tolist() == [3 / 8]


def test_even_attribution_has_the_share_of_the_area_and_none_has_no_share():
    masks = torch.rand(4, 6, 5, generator=torch.Generator().manual_seed(0)) < 0.3
    shares = share_outside(torch.ones(4, 6, 5), masks)
    assert torch.allclose(shares.density, torch.ones(4))
    assert share_outside(torch.zeros(4, 6, 5), masks).outside.isnan().all()
    assert share_outside(torch.ones(4, 6, 5), torch.zeros_like(masks)).outside.isnan().all()


def test_a_network_that_sees_one_half_attends_to_it():
    """By all three ways, if it is the left columns alone that its score comes from."""
    w = torch.zeros(3, 2, 5, 4)
    w[..., :2] = 1.0
    model = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.Flatten(), nn.Linear(40, 3))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(2)[..., None, None])
        model[2].weight.copy_(w.flatten(1))
    left = torch.zeros(3, 5, 4, dtype=torch.bool)
    left[..., :2] = True
    x = images().abs() * torch.tensor([1.0, 1.0, 0.0, 0.0])  # Grad-CAM knows no places of weights
    shares = attention(model, x, T, left, "0", steps=2, patch=1)
    assert [*shares] == ["integrated gradients", "Grad-CAM", "occlusion"]
    for one in shares.values():
        assert torch.allclose(one.outside, torch.zeros(3), atol=1e-6)
        assert one.area.tolist() == [0.5] * 3
    for one in attention(model, x, T, ~left, patch=1, steps=2).values():
        assert torch.allclose(one.outside, torch.ones(3))
