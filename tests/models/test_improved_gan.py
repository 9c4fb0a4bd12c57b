import pytest
import torch

from cutaway.models import build
from cutaway.models.parts.layers import MinibatchDiscrimination, VirtualBatchNorm


def test_minibatch_discrimination_is_the_sum_over_pairs():
    torch.manual_seed(0)
    layer, f = MinibatchDiscrimination(4, 3, 2), torch.randn(5, 4)
    o = layer(f)
    for i in range(5):
        for b in range(3):
            m = [f[j] @ layer.T[:, b] for j in range(5)]
            pairs = [torch.exp(-sum((m[i] - m[j])[c].abs() for c in range(2))) for j in range(5)]
            torch.testing.assert_close(o[i, b], sum(pairs))


def test_images_all_alike_are_as_close_as_can_be():
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(4, 3, 2)
    alike = layer(torch.randn(1, 4).expand(6, 4))
    torch.testing.assert_close(alike, torch.full((6, 3), 6.0))
    assert (layer(torch.randn(6, 4)) < 6).all()


def test_virtual_batch_norm_is_the_explicit_statistics():
    torch.manual_seed(0)
    layer, n = VirtualBatchNorm(3, 4), 4
    with torch.no_grad():
        layer.gamma.normal_()
        layer.beta.normal_()
    x = torch.randn(7, 3, 5, 2) * 2 + 1
    y = layer(x)
    for i in range(7):
        for c in range(3):
            seen = [x[j, c] for j in range(n)] + ([x[i, c]] if i >= n else [])
            values = torch.stack(seen)
            mu, var = values.mean(), values.var(correction=0)
            expected = layer.gamma[c] * (x[i, c] - mu) / (var + 1e-5).sqrt() + layer.beta[c]
            torch.testing.assert_close(y[i, c], expected)


def test_an_image_hangs_on_the_reference_and_not_on_its_neighbours():
    torch.manual_seed(0)
    net = build("improved_gan", 1, 10, 28, {"width": 4})
    z = torch.randn(6, 100)
    together, alone = net.generate(z), net.generate(z[:1])
    torch.testing.assert_close(together[:1], alone)
    net.refer(torch.rand(6, 1, 28, 28))
    assert not torch.allclose(net.generate(z[:1]), alone)


def test_the_reference_is_part_of_the_state():
    a, b = (build("improved_gan", 1, 10, 28, {"width": 4}) for _ in range(2))
    b.load_state_dict(a.state_dict())
    z = torch.randn(2, 100)
    assert torch.equal(a.generate(z), b.generate(z))


def test_neighbours_move_how_real_an_image_looks_and_never_its_class():
    torch.manual_seed(0)
    net = build("improved_gan", 1, 10, 28, {"width": 4}).eval()
    x = torch.rand(1, 1, 28, 28) * 2 - 1
    among_copies = net.discriminator(x.expand(8, -1, -1, -1))[:1]
    alone = net.discriminator(x)
    torch.testing.assert_close(among_copies.softmax(1), alone.softmax(1))
    assert (among_copies.logsumexp(1) - alone.logsumexp(1)).abs() > 1e-3


@pytest.mark.parametrize("kernels", [0, 5])
@pytest.mark.parametrize("size", [(28, 28), (8, 12), (32, 20)])
def test_any_size_channels_and_classes(size, kernels):
    torch.manual_seed(0)
    options = {"width": 4, "latent": 6, "kernels": kernels, "reference": 3}
    net = build("improved_gan", 2, 7, size, options)
    x = net.generate(torch.randn(5, 6))
    assert x.shape == (5, 2, *size)
    assert net.discriminator(x).shape == (5, 7)
    assert net.discriminator.features(x).shape[0] == 5
    net(torch.randn(5, 6)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
