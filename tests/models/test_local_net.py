import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.models import build, count
from cutaway.models.parts.layers import LocallyConnected2d, WeightedPool2d, binomial


def padded(x, p, mode):
    """The text's figure 4-7, pixel by pixel."""
    b, c, h, w = x.shape
    out = torch.zeros(b, c, h + 2 * p, w + 2 * p)
    for i in range(h + 2 * p):
        for j in range(w + 2 * p):
            near = min(max(i - p, 0), h - 1), min(max(j - p, 0), w - 1)
            if mode == "replicate" or near == (i - p, j - p):
                out[:, :, i, j] = x[:, :, near[0], near[1]]
    return out


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("padding", "mode"), [(0, "constant"), (2, "constant"), (2, "replicate")])
def test_local_connection_is_the_sum_over_each_place(stride, padding, mode):
    torch.manual_seed(0)
    layer = LocallyConnected2d(2, 3, 3, (6, 5), stride, padding, mode)
    nn.init.normal_(layer.bias)
    x = torch.randn(4, 2, 6, 5)
    s, z = layer(x), padded(x, padding, mode)
    for o in range(3):
        for i in range(s.shape[2]):
            for j in range(s.shape[3]):
                patch = z[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
                value = (patch * layer.weight[i, j, o]).sum((1, 2, 3)) + layer.bias[o, i, j]
                torch.testing.assert_close(s[:, o, i, j], value, rtol=1e-4, atol=1e-5)


def test_with_one_kernel_everywhere_it_is_a_convolution():
    torch.manual_seed(0)
    layer, u = LocallyConnected2d(2, 3, 5, (9, 9)), torch.randn(3, 2, 5, 5)
    with torch.no_grad():
        layer.weight.copy_(u)
    x = torch.randn(2, 2, 9, 9)
    torch.testing.assert_close(layer(x), F.conv2d(x, u), rtol=1e-4, atol=1e-4)


def test_an_unshared_layer_has_a_kernel_for_each_of_its_hundred_places():
    net = build("local_net", 1, 10, 28)
    assert sum(p.numel() for p in net.l3.parameters()) == 100 * 2_416  # LeNet-5's C3
    assert count(net) == 61_706 + 99 * 2_416


@pytest.mark.parametrize("stride", [1, 2])
def test_weighted_pooling_is_the_explicit_mean(stride):
    torch.manual_seed(0)
    weights = torch.rand(3, 3)
    layer = WeightedPool2d(3, stride, padding=1, weights=weights)
    x = torch.randn(2, 4, 7, 6)
    s, z, w = layer(x), padded(x, 1, "replicate"), weights / weights.sum()
    for i in range(s.shape[2]):
        for j in range(s.shape[3]):
            patch = z[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
            torch.testing.assert_close(s[:, :, i, j], (patch * w).sum((2, 3)))


def test_equal_weights_are_mean_pooling_and_a_flat_map_stays_flat():
    x = torch.rand(2, 3, 8, 8)
    equal = WeightedPool2d(2, 2, weights=torch.ones(2, 2))
    torch.testing.assert_close(equal(x), F.avg_pool2d(x, 2))
    flat = torch.full((1, 2, 7, 7), 0.3)
    torch.testing.assert_close(WeightedPool2d(3, 2, padding=1)(flat), flat[:, :, :4, :4])


def test_binomial_weights_are_pascals():
    assert binomial(3).tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert binomial(5)[0].tolist() == [1, 4, 6, 4, 1]


def test_c1_copies_its_edges():
    torch.manual_seed(0)
    net, x = build("local_net", 1, 10, 16), torch.randn(2, 1, 16, 16)
    expected = F.conv2d(padded(x, 2, "replicate"), net.c1.weight, net.c1.bias)
    torch.testing.assert_close(net.c1(x), expected)


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (32, 28)])
def test_any_size_channels_and_classes(size):
    assert build("local_net", 2, 5, size)(torch.rand(3, 2, *size)).shape == (3, 5)
