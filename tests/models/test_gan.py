import torch
from torch import nn

from cutaway.models import build


def test_each_player_is_the_textbooks_perceptron():
    torch.manual_seed(0)
    net = build("gan", 1, 10, (2, 3), {"latent": 4, "width": 5}).eval()
    z = torch.randn(4)
    h = z
    for layer in net.generator.hidden:
        h = (layer.U.weight @ h + layer.U.bias).clamp(min=0)
    x = torch.tanh(net.generator.output.weight @ h + net.generator.output.bias)
    torch.testing.assert_close(net.generate(z[None]).flatten(), x)
    for u in [m for m in net.discriminator.hidden if isinstance(m, nn.Linear)]:
        a = u.weight @ x + u.bias
        x = torch.where(a > 0, a, 0.2 * a)
    logit = net.discriminator.output.weight @ x + net.discriminator.output.bias
    torch.testing.assert_close(net(z[None]), logit)


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
