"""AlexNet against the numbers of Krizhevsky et al. 2012 and of the text."""

import pytest
import torch
from torch import nn

from cutaway.models import build
from cutaway.models.alexnet import ResponseNorm, paper_weights_2012

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "output")


def nodes(net: nn.Module, x: torch.Tensor) -> list[int]:
    """Nodes of each layer, read off a forward pass."""
    seen: list[int] = []
    for name in LAYERS:
        layer = net.get_submodule(name)
        layer.register_forward_hook(lambda _, __, y: seen.append(y[0].numel()))
    net(x)
    return seen


def test_nodes_of_each_layer_are_the_texts():
    with torch.device("meta"):
        seen = nodes(build("alexnet", 3, 1000, 224), torch.rand(1, 3, 224, 224))
    assert seen == [290400, 186624, 64896, 64896, 43264, 4096, 4096, 1000]


def test_parameters_of_each_layer():
    """From section 3.5's sizes: kernels (half the maps in groups), then dense layers."""
    with torch.device("meta"):
        net = build("alexnet", 3, 1000, 224)
    counted = [sum(p.numel() for p in net.get_submodule(n).parameters()) for n in LAYERS]
    kernels = [
        96 * 11**2 * 3,
        256 * 5**2 * 48,
        384 * 3**2 * 256,
        384 * 3**2 * 192,
        256 * 3**2 * 192,
    ]
    dense = [256 * 6 * 6 * 4096, 4096 * 4096, 4096 * 1000]
    biases = [96, 256, 384, 384, 256, 4096, 4096, 1000]
    assert counted == [u + b for u, b in zip(kernels + dense, biases, strict=True)]


def test_response_norm_is_the_papers_sum():
    torch.manual_seed(0)
    a = 30 * torch.randn(2, 9, 3, 4, dtype=torch.float64)
    expected = torch.empty_like(a)
    for i in range(9):
        squares = sum(a[:, j] ** 2 for j in range(max(0, i - 2), min(8, i + 2) + 1))
        expected[:, i] = a[:, i] / (2 + 1e-4 * squares) ** 0.75
    torch.testing.assert_close(ResponseNorm()(a), expected)


def test_the_papers_first_weights():
    torch.manual_seed(0)
    net = build("alexnet_small", 3, 10, 32)
    paper_weights_2012(net)
    ones = [n for n in LAYERS if (net.get_submodule(n).bias == 1).all()]
    noughts = [n for n in LAYERS if (net.get_submodule(n).bias == 0).all()]
    assert ones == ["conv2", "conv4", "conv5", "fc6", "fc7"]
    assert noughts == ["conv1", "conv3", "output"]
    assert net.fc6.weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_groups_do_not_see_each_other():
    torch.manual_seed(0)
    net, x = build("alexnet_small", 3, 10, 32), torch.rand(1, 32, 6, 6)
    y = net.conv2(x)
    x[:, 16:] += 1
    changed = (net.conv2(x) != y).any(dim=(0, 2, 3))
    assert changed.tolist() == [False] * 32 + [True] * 32


@pytest.mark.parametrize("size", [(63, 63), (64, 200), (224, 224)])
def test_any_size_from_63(size):
    with torch.device("meta"):
        net = build("alexnet", 3, 5, size)
        assert net(torch.rand(2, 3, *size)).shape == (2, 5)
