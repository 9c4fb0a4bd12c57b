import torch
from torch.nn import functional as F

from cutaway.models import build


def test_classes_come_from_the_code_and_the_images_come_back():
    net, x = build("autoencoder_softmax", 2, 4, (7, 5), {"bottleneck": 6}), torch.rand(3, 2, 7, 5)
    assert net.encoder(x).shape == (3, 6)
    torch.testing.assert_close(net(x), net.output(net.encoder(x)))
    torch.testing.assert_close(net.reconstruct(x), net.decoder(net.encoder(x)))
    assert net.reconstruct(x).shape == x.shape


def test_each_stage_moves_its_own_half():
    net = build("autoencoder_softmax", 1, 4, (6, 6), {"widths": "20", "bottleneck": 9})
    x = torch.rand(8, 1, 6, 6)
    (net.reconstruct(x) - x).square().mean().backward()
    assert net.output.weight.grad is None
    assert all(p.grad is not None for half in (net.encoder, net.decoder) for p in half.parameters())
    net.zero_grad()
    net.encoder.requires_grad_(False)
    F.cross_entropy(net(x), torch.arange(8) % 4).backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None] == [
        "output.weight",
        "output.bias",
    ]
