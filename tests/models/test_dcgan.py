import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.models.dcgan import steps


def shapes(parts, x):
    sizes = []
    for part in parts:
        x = part(x)
        sizes.append(tuple(x.shape[1:]))
    return sizes


def test_shapes_of_the_figure():
    net = build("dcgan", 3, 10, 64, {"width": 128})
    g, d, z = net.generator.eval(), net.discriminator.eval(), torch.randn(1, 100)
    drawn = [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]
    assert shapes([g.project, *g.stages, g.output], z) == drawn
    assert shapes(d.stages, torch.rand(1, 3, 64, 64)) == drawn[-2::-1]


def test_nothing_is_pooled_and_only_the_ends_are_dense():
    net = build("dcgan", 1, 10, 28)
    assert not any(isinstance(m, nn.MaxPool2d | nn.AvgPool2d) for m in net.modules())
    dense = [name for name, m in net.named_modules() if isinstance(m, nn.Linear)]
    assert dense == ["generator.project.u", "discriminator.output"]
    assert isinstance(net.discriminator.stages[0].norm, nn.Identity)
    assert isinstance(net.discriminator.stages[1].norm, nn.BatchNorm2d)


def test_weights_start_as_in_the_paper():
    torch.manual_seed(0)
    for module in build("dcgan", 1, 10, 28).modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            assert abs(module.weight.std().item() - 0.02) < 0.002
            assert module.bias is None or not module.bias.any()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((28, 28), (2, (7, 7))),
        ((32, 32), (3, (4, 4))),
        ((64, 64), (4, (4, 4))),
        ((48, 48), (3, (6, 6))),
        ((28, 64), (2, (7, 16))),
        ((36, 20), (2, (9, 5))),
        ((8, 12), (1, (4, 6))),
    ],
)
def test_sides_grow_by_doubling_and_may_differ(size, expected):
    assert steps(size) == expected
    net = build("dcgan", 2, 10, size, {"width": 4, "latent": 6})
    x = net.generate(torch.randn(3, 6))
    assert x.shape == (3, 2, *size)
    assert net.discriminator(x).shape == (3,)


@pytest.mark.parametrize(("size", "named"), [(30, "28 or 32"), ((28, 33), "32 or 36")])
def test_other_sides_are_refused_with_sides_that_fit(size, named):
    with pytest.raises(UsageError, match=f"give --image-size {named}"):
        build("dcgan", 1, 10, size)


def test_every_parameter_of_both_players_is_used():
    torch.manual_seed(0)
    net = build("dcgan", 1, 10, 28, {"width": 4})
    net(torch.randn(4, 100)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
