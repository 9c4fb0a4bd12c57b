import torch

from cutaway.models import build
from cutaway.models.gan import Maxout


def test_maxout_is_the_largest_of_its_lines():
    torch.manual_seed(0)
    layer, z = Maxout(3, 2, 4, dropout=0.0), torch.randn(5, 3)
    h = layer(z)
    for n in range(5):
        for i in range(2):
            rows = range(4 * i, 4 * i + 4)
            lines = [layer.U.weight[r] @ z[n] + layer.U.bias[r] for r in rows]
            torch.testing.assert_close(h[n, i], torch.stack(lines).max())


def test_images_signals_and_videos_between_minus_one_and_one():
    for size in ((8, 12), (16,), (2, 4, 6)):
        torch.manual_seed(0)
        net = build("gan", 2, 10, size, {"latent": 7, "width": 6})
        x = net.generate(100 * torch.randn(5, 7))
        assert x.shape == (5, 2, *size)
        assert x.abs().max() <= 1
        assert x.abs().max() > 0.9
        assert net.discriminator(x).shape == (5,)


def test_the_discriminator_learns_to_tell_images_from_the_generators():
    torch.manual_seed(0)
    net = build("gan", 1, 10, 8, {"latent": 4, "width": 16})
    real, D = torch.ones(32, 1, 8, 8), net.discriminator
    optimizer = torch.optim.Adam(D.parameters(), 1e-2)
    for _ in range(20):
        fake = net.generate(torch.randn(32, 4)).detach()
        loss = (-D(real)).exp().log1p().mean() + D(fake).exp().log1p().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    assert D(real).sigmoid().min() > 0.9
    assert D(net.generate(torch.randn(32, 4))).sigmoid().max() < 0.1


def test_the_whole_drawing_is_the_discriminator_of_the_generator():
    torch.manual_seed(0)
    net, z = build("gan", 1, 10, 8).eval(), torch.randn(3, 100)
    torch.testing.assert_close(net(z), net.discriminator(net.generator(z)))
    net(z).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
