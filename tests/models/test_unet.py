import pytest
import torch
from torch.nn import functional as F

from cutaway.models import build, count
from cutaway.models.unet import Up

NAMES = ["unet", "encoder_decoder"]


def test_the_papers_own_shape_counts_as_its_figure_1():
    """Two 3x3 convolutions a level, 2x2 up-convolutions, 1x1 to two classes, a bias each."""
    widths = [64, 128, 256, 512, 1024]
    down = [(9 * a + 1) * b + (9 * b + 1) * b for a, b in zip([1, *widths], widths, strict=False)]
    up = [
        (4 * 2 * b + 1) * b + (9 * 2 * b + 1) * b + (9 * b + 1) * b  # [skip, up(x)]: 2b maps
        for b in widths[:-1]
    ]
    options = {"widths": "64-128-256-512-1024", "norm": False}
    with torch.device("meta"):
        net = build("unet", 1, 2, (572, 572), options)
    assert count(net) == sum(down) + sum(up) + (64 + 1) * 2 == 31_030_658


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 64), (37, 50), (4, 5), (7, 33)])
def test_every_pixel_of_any_size_gets_its_logits(name, size):
    net = build(name, 2, 5, size)
    assert net(torch.rand(2, 2, *size)).shape == (2, 5, *size)


@pytest.mark.parametrize("size", [(9, 7), (8, 8), (8, 7)])
def test_the_way_up_sees_the_skip_beside_what_it_brings(size):
    torch.manual_seed(0)
    up, skip = Up(6, 3, norm=False, skips=True), torch.rand(2, 3, *size)
    x = torch.rand(2, 6, *((side + 1) // 2 for side in size))
    a, _, b, _ = up.convolutions
    brought = F.conv_transpose2d(x, up.up.weight, up.up.bias, stride=2)[..., : size[0], : size[1]]
    # A convolution of two blocks of maps is the sum of their convolutions.
    z = F.conv2d(skip, a.weight[:, :3], a.bias, padding=1)
    z = (z + F.conv2d(brought, a.weight[:, 3:], padding=1)).relu()
    z = F.conv2d(z, b.weight, b.bias, padding=1).relu()
    torch.testing.assert_close(up(x, skip), z)


def test_skips_alone_carry_detail_finer_than_the_coarsest_pixel():
    """Swap two pixels of one 2x2 block with equal maxima: pooling hides it, a skip does not."""
    torch.manual_seed(0)
    x = torch.rand(1, 3, 8, 8)
    for name, same in (("encoder_decoder", True), ("unet", False)):
        net = build(name, 3, 4, (8, 8), {"widths": "4-8", "norm": False}).eval()
        deaf(net.down[0])
        a, b = x.clone(), x.clone()
        a[..., 2:4, 2:4] = torch.tensor([[1.0, 0.2], [0.3, 0.4]])
        b[..., 2:4, 2:4] = torch.tensor([[0.4, 0.3], [0.2, 1.0]])
        assert torch.allclose(net(a), net(b)) is same


def deaf(level: torch.nn.Module) -> None:
    """Make the first level hand its pixels on as they are: each kernel only its own centre."""
    for convolution in (m for m in level if isinstance(m, torch.nn.Conv2d)):
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
        for k, kernel in enumerate(convolution.weight.data):
            kernel[k % len(kernel), 1, 1] = 1


@pytest.mark.parametrize("name", NAMES)
def test_steps_lower_the_loss_and_reach_every_parameter(name):
    torch.manual_seed(0)
    net, x = build(name, 1, 3, (16, 16)), torch.rand(4, 1, 16, 16)
    t = (3 * x[:, 0]).long()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(net(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
