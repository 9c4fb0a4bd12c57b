import pytest
import torch
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.models import build


def test_a_box_is_moved_through_time_and_space():
    torch.manual_seed(0)
    u = build("video_net", 2, 3, (4, 5, 6)).stages[0].u
    z = torch.randn(2, 2, 4, 5, 6)
    s, zeros = u(z), F.pad(z, (1, 1, 1, 1, 1, 1))
    assert u.weight.shape[1:] == (2, 3, 3, 3)
    for t in range(4):
        for j in range(5):
            for i in range(6):
                box = zeros[:, :, t : t + 3, j : j + 3, i : i + 3]
                value = torch.einsum("bcxyz,kcxyz->bk", box, u.weight)
                torch.testing.assert_close(s[:, :, t, j, i], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 32, 32), (1, 9, 5), (11, 20, 33)])
def test_one_network_takes_any_size(size):
    net = build("video_net", 3, 5, (8, 32, 32)).eval()
    assert net(torch.randn(2, 3, *size)).shape == (2, 5)


def test_it_tells_a_dot_that_goes_left_from_one_that_goes_right():
    torch.manual_seed(0)
    net = build("video_net", 1, 2, (4, 12, 12), {"width": 4})
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    t, row = torch.arange(48) % 2, torch.randint(0, 12, (48,))
    x = torch.zeros(48, 1, 4, 12, 12)
    for frame in range(4):
        step = 2 * frame
        x[torch.arange(48), 0, frame, row, torch.where(t == 0, 3 + step, 9 - step)] = 1
    for _ in range(20):
        loss = F.cross_entropy(net(x[:32]), t[:32])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(x[32:]).argmax(1) == t[32:]).float().mean() > 0.9


def test_images_are_refused():
    with pytest.raises(UsageError, match="takes videos"):
        build("video_net", 1, 10, (28, 28))
