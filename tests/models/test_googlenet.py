"""GoogLeNet against table 1 of Szegedy et al. 2015."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.models import build
from cutaway.models.googlenet import TABLE, Auxiliary, GoogLeNet, Inception

# The table's columns "output size" and "params", in thousands.
SIZES = {
    "3a": (256, 28), "3b": (480, 28),
    "4a": (512, 14), "4b": (512, 14), "4c": (512, 14), "4d": (528, 14), "4e": (832, 14),
    "5a": (832, 7), "5b": (1024, 7),
}  # fmt: skip
PRINTED = {
    "3a": 159, "3b": 380, "4a": 364, "4b": 437, "4c": 463, "4d": 580, "4e": 840,
    "5a": 1072, "5b": 1388,
}  # fmt: skip


@pytest.fixture(scope="module")
def net() -> GoogLeNet:
    with torch.device("meta"):
        return build("googlenet", 3, 1000, 224)


def weights(module: nn.Module) -> int:
    """Parameters without biases."""
    return sum(p.numel() for p in module.parameters() if p.ndim > 1)


def test_output_sizes(net):
    seen = {}
    hooks = [
        block.register_forward_hook(lambda _, __, y, name=name: seen.update({name: y.shape}))
        for name, block in net.inception.items()
    ]
    with torch.device("meta"):
        outputs = net.train()(torch.rand(2, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    assert {n: (s[1], s[3]) for n, s in seen.items()} == SIZES
    assert [o.shape for o in outputs] == [(2, 1000)] * 3


def test_parameters_of_each_block(net):
    """The table's kernels, multiplied out."""
    c_in = 192
    for name, (n1, r3, n3, r5, n5, p) in TABLE.items():
        kernels = c_in * (n1 + r3 + r5 + p) + 9 * r3 * n3 + 25 * r5 * n5
        assert weights(net.inception[name]) == kernels
        c_in = n1 + n3 + n5 + p


def test_the_printed_counts(net):
    """A thousand is 1024 here: so the 3x3 stem (112K), the output (1000K) and 3a (159K) are exact.

    The others differ from the table's own kernels: most by less than 2 %, three by more.
    """
    assert weights(net.conv2) == 112 * 1024
    assert weights(net.output) == 1000 * 1024
    counted = {name: weights(block) / 1024 for name, block in net.inception.items()}
    assert int(counted["3a"]) == PRINTED["3a"]
    off = {n: counted[n] / PRINTED[n] - 1 for n in PRINTED}
    far = {n: round(100 * o, 1) for n, o in off.items() if abs(o) > 0.0175}
    assert far == {"4c": 7.5, "4d": 1.8, "5a": -5.0}


def test_the_main_path_without_auxiliary_heads(net):
    auxiliary = sum(p.numel() for p in net.auxiliary.parameters())
    assert sum(p.numel() for p in net.parameters()) - auxiliary == 6_998_552
    assert weights(net.conv1) + weights(net.conv2) + weights(net.inception) == 5_966_272


def test_an_inception_block_is_four_paths_side_by_side():
    torch.manual_seed(0)
    block, x = Inception(3, (2, 3, 4, 2, 5, 1)), torch.randn(2, 3, 6, 7)
    y = block(x)
    assert y.shape == (2, 2 + 4 + 5 + 1, 6, 7)

    def conv(u, z):
        return F.conv2d(z, u[0].weight, u[0].bias, padding=u[0].weight.shape[-1] // 2).relu()

    torch.testing.assert_close(y[:, :2], conv(block.u1, x))
    torch.testing.assert_close(y[:, 2:6], conv(block.u3[1], conv(block.u3[0], x)))
    torch.testing.assert_close(y[:, 6:11], conv(block.u5[1], conv(block.u5[0], x)))
    pooled = F.max_pool2d(x, 3, stride=1, padding=1)
    torch.testing.assert_close(y[:, 11:], conv(block.up[1], pooled))


def test_the_auxiliary_pooling_is_the_papers_at_its_size():
    """5x5 means with stride 3 of 14x14 maps are 4x4; nothing more happens to them."""
    head, x = Auxiliary(8, 3), torch.rand(1, 8, 14, 14)
    pooled = F.avg_pool2d(x, 5, stride=3)
    assert pooled.shape == (1, 8, 4, 4)
    torch.testing.assert_close(head.fit(head.pool(x)), pooled)


@pytest.mark.parametrize("size", [(32, 32), (47, 90)])
def test_any_size_while_training_and_at_rest(size):
    with torch.device("meta"):
        net, x = build("googlenet", 1, 5, size), torch.rand(2, 1, *size)
        assert [s.shape for s in net.train()(x)] == [(2, 5)] * 3
        assert net.eval()(x).shape == (2, 5)
