import pytest
import torch
from torch import nn

from cutaway.models import build
from cutaway.models.sprint_net import ShiftNorm, kernel


def test_a_kernel_begins_by_copying_its_input():
    torch.manual_seed(0)
    x, u = torch.randn(2, 3, 6, 6), kernel(3, 5)
    torch.testing.assert_close(u(x)[:, :3], x)
    assert u.weight[3:].std() > 0.01


def test_the_shift_moves_64_times_as_far_as_that_of_plain_normalisation():
    torch.manual_seed(0)
    x = torch.randn(8, 3, 4, 4)
    norm, plain = ShiftNorm(3), nn.BatchNorm2d(3, momentum=0.4)
    torch.testing.assert_close(norm(x), plain(x))
    pull = torch.randn(8, 3, 4, 4)
    for layer in (norm, plain):
        (layer(x) * pull).sum().backward()
        torch.optim.SGD([p for p in layer.parameters() if p.ndim == 1], lr=1e-3).step()
    torch.testing.assert_close(8 * norm.b, 64 * plain.bias)
    torch.testing.assert_close(norm.running_mean, plain.running_mean)


@pytest.mark.parametrize(("size", "stride", "side"), [(32, 2, 2), (32, 1, 3), (17, 1, 2)])
def test_sides_of_the_last_maps(size, stride, side):
    net = build("sprint_net", 3, 10, size, {"widths": "8-8-12", "stride": stride})
    z = net.stages(net.patches(torch.randn(2, 3, size, size)))
    assert z.shape == (2, 12, side, side)


def test_at_rest_an_images_answer_is_its_own():
    torch.manual_seed(0)
    net, x = build("sprint_net", 3, 4, 16, {"widths": "8-8-8"}), torch.randn(5, 3, 16, 16)
    net(x)
    net.eval()
    torch.testing.assert_close(net(x)[2:3], net(x[2:3]))
