import numpy as np
import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.models.parts.initialisers import initialise
from cutaway.models.parts.whitening import patches, whiten, whitening


def pictures(seed=0):
    """Smooth noise with a colour cast, whose patches vary far more in some directions."""
    noise = torch.randn(40, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    return nn.functional.avg_pool2d(noise, 3, 1, 1) + torch.tensor([0.5, -0.2, 0.1])[:, None, None]


@pytest.mark.parametrize("stride", [1, 2])
def test_outputs_are_white_by_numpy(stride):
    x, net = pictures(), build("sprint_net", 3, 10, 16, {"stride": stride})
    whiten(net, x, eps=0.0)
    s = net.patches(x)[:, :12].movedim(1, 0).flatten(1).detach().numpy()
    np.testing.assert_allclose(s.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(s, bias=True), np.eye(12), atol=1e-3)


def test_kernels_are_the_eigenvectors_of_numpy_and_their_negatives():
    x, net = pictures(), build("sprint_net", 3, 10, 16)
    whiten(net, x, eps=0.01)
    p = np.array([
        image[:, i : i + 2, j : j + 2].ravel()
        for image in x.double().numpy() for i in range(0, 16, 2) for j in range(0, 16, 2)
    ])  # fmt: skip
    variance, e = np.linalg.eigh(np.cov(p.T, bias=True))
    w = net.patches.weight.detach().flatten(1).double().numpy()
    np.testing.assert_array_equal(w[12:], -w[:12])
    lengths = 1 / np.sqrt(variance[::-1] + 0.01)
    np.testing.assert_allclose(np.linalg.norm(w[:12], axis=1), lengths, rtol=1e-4)
    alignment = np.abs((w[:12] / lengths[:, None]) @ e[:, ::-1])
    np.testing.assert_allclose(alignment, np.eye(12), atol=1e-3)


def test_a_direction_that_does_not_vary_stays_finite():
    p = torch.randn(100, 3, generator=torch.Generator().manual_seed(0)).double()
    p[:, 2] = p[:, 0]
    _, w = whitening(p, eps=1e-4)
    assert w.isfinite().all()
    assert w.norm(dim=1).max() <= 100.001  # 1 / sqrt(eps)


def test_fewer_kernels_take_the_strongest_and_more_keep_their_start():
    x = pictures()
    few, many = nn.Conv2d(3, 5, 2), nn.Conv2d(3, 30, 2)
    start = many.weight.detach().clone()
    whiten(few, x)
    whiten(many, x)
    torch.testing.assert_close(few.weight, many.weight[:5])
    assert torch.equal(many.weight[24:], start[24:])
    assert not torch.equal(many.weight[23], start[23])


def test_patches_are_what_the_layer_multiplies():
    x, layer = pictures(), nn.Conv2d(3, 4, 3, stride=2, dilation=2, bias=False)
    s = patches(x, layer) @ layer.weight.flatten(1).double().T
    expected = layer(x).flatten(2).mT.flatten(0, 1)
    torch.testing.assert_close(s.float(), expected, atol=1e-5, rtol=1e-4)


def test_the_rest_of_the_network_is_left_and_frozen_weights_are_set():
    net, x = build("sprint_net", 3, 10, 16), pictures()
    net.patches.weight.requires_grad_(False)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    initialise(net, "whiten", x)
    moved = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"patches.weight", "patches.bias"}


def test_what_cannot_be_whitened_is_said():
    with pytest.raises(UsageError, match="begin with a convolution"):
        whiten(build("mlp", 3, 10, 16), pictures())
    with pytest.raises(UsageError, match="'whiten' measures a batch"):
        initialise(nn.Conv2d(3, 8, 2), "whiten")
