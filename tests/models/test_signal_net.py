import pytest
import torch
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.models import build


def test_a_stage_is_equation_4_10():
    torch.manual_seed(0)
    stage = build("signal_net", 2, 3, (20,)).stages[0]
    z, u = torch.randn(2, 2, 20), stage.u.weight
    s = stage.u(z)
    for k in range(4):
        for i in range(20):
            inside = [x for x in range(-3, 4) if 0 <= i + x < 20]
            value = sum(z[:, :, i + x] @ u[k, :, x + 3] for x in inside)
            torch.testing.assert_close(s[:, k, i], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [1, 7, 128, 333])
def test_one_network_takes_any_length(length):
    net = build("signal_net", 3, 5, (128,)).eval()
    assert net(torch.randn(2, 3, length)).shape == (2, 5)


def test_it_tells_slow_waves_from_fast_ones():
    torch.manual_seed(0)
    net = build("signal_net", 1, 2, (64,), {"width": 4})
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    t = torch.arange(64) % 2
    clock = torch.arange(64) / 64 * 2 * torch.pi
    waves = torch.sin(clock * (3 + 6 * t)[:, None] + 6 * torch.rand(64, 1))[:, None]
    for _ in range(15):
        loss = F.cross_entropy(net(waves[:32]), t[:32])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(waves[32:]).argmax(1) == t[32:]).float().mean() > 0.9


def test_images_are_refused():
    with pytest.raises(UsageError, match="takes signals"):
        build("signal_net", 1, 10, (28, 28))
