import torch
from torch import nn
from torch.nn import functional as F

from cutaway.models.lenet1998 import C3_CONNECTIONS, RBF, LeNet1998, PartialConvolution, glyphs


def trainable(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_each_layer_counts_as_in_the_paper():
    net = LeNet1998(1, 10)
    counts = [trainable(m) for m in (net.c1, net.s2, net.c3, net.s4, net.c5, net.f6, net.output)]
    assert counts == [156, 12, 1516, 32, 48120, 10164, 0]


def test_partial_connections_are_the_explicit_sum():
    torch.manual_seed(0)
    layer = PartialConvolution(6)
    x = torch.randn(2, 6, 14, 14)
    kernels = iter(layer.kernels)
    for j, row in enumerate(C3_CONNECTIONS):
        expected = layer.b[j] + sum(
            F.conv2d(x[:, int(i) : int(i) + 1], next(kernels)[None, None])[:, 0] for i in row
        )
        torch.testing.assert_close(layer(x)[:, j], expected)


def test_rbf_is_the_squared_distance():
    layer, x = RBF(10), torch.randn(3, 84)
    distance = ((x[:, None, :] - layer.w[None]) ** 2).sum(2)
    torch.testing.assert_close(-layer(x), distance)


def test_glyphs_are_ten_different_bitmaps():
    bitmaps = glyphs()
    assert bitmaps.unique().tolist() == [-1, 1]
    assert len(bitmaps.unique(dim=0)) == 10


def test_shapes_of_the_drawing():
    net, x = LeNet1998(1, 10), torch.rand(1, 1, 32, 32)
    shapes = []
    for layer in (net.c1, net.s2, net.c3, net.s4, net.c5):
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1)]
