"""Spectra of gradients that are known in closed form."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.gradients import gradient_spectrum


@settings(max_examples=15)
@given(some.integers(2, 12), some.integers(1, 8), some.integers(0, 100))
def test_gradients_of_linear_regression(n, d, seed):
    """g_i = 2 (w x_i - t_i) x_i."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=draw, dtype=torch.double)
    t = torch.randn(n, 1, generator=draw, dtype=torch.double)
    model = nn.Linear(d, 1, bias=False).double()
    spectrum = gradient_spectrum(model, x, t, F.mse_loss)
    g = 2 * (x @ model.weight.detach().T - t) * x
    covariance = (g - g.mean(0)).T @ (g - g.mean(0)) / n
    expected = torch.linalg.eigvalsh(covariance).flip(0)
    few = min(n, d)
    assert spectrum.values[:few].tolist() == pytest.approx(expected[:few].tolist(), abs=1e-5)
    assert spectrum.values[few:].tolist() == pytest.approx([0] * (n - few), abs=1e-5)
    assert spectrum.mean == pytest.approx((g.mean(0) ** 2).sum().item())
    assert spectrum.noise_scale == pytest.approx(
        covariance.trace().item() / spectrum.mean, rel=1e-4
    )


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip


def data():
    draw = torch.Generator().manual_seed(1)
    return torch.randn(10, 1, 6, 6, generator=draw), torch.arange(10) % 3


def test_in_parts_it_is_the_same_and_the_largest_tensor_is_the_limit():
    model, (x, t) = network(), data()
    whole = gradient_spectrum(model, x, t)
    largest = 10 * model[5].weight.nbytes
    part = gradient_spectrum(model, x, t, limit=largest)
    assert torch.allclose(whole.values, part.values, rtol=1e-4, atol=1e-6)
    assert whole.mean == pytest.approx(part.mean, rel=1e-4)
    with pytest.raises(UsageError, match=rf"'5.weight' for 10 examples are {largest:,} bytes"):
        gradient_spectrum(model, x, t, limit=largest - 1)


def test_the_mean_gradient_is_that_of_the_batch():
    model, (x, t) = network(), data()
    spectrum = gradient_spectrum(model, x, t)
    g = torch.autograd.grad(F.cross_entropy(model.eval()(x), t), list(model.parameters()))
    assert spectrum.mean == pytest.approx(sum((one**2).sum().item() for one in g), rel=1e-4)


def test_equal_examples_have_no_spread():
    model, (x, t) = network(), data()
    spectrum = gradient_spectrum(model, x[:1].expand(5, -1, -1, -1), t[:1].expand(5))
    assert spectrum.values.max() < 1e-5 * spectrum.mean


def test_nothing_of_the_model_is_changed():
    model, (x, t) = network(), data()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model[0].bias.requires_grad_(False)
    stream = torch.get_rng_state()
    with torch.no_grad():
        gradient_spectrum(model, x, t)
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
