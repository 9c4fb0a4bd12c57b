"""VGG against table 1 of Simonyan and Zisserman 2015 and torchvision's names."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.models import build, find
from cutaway.models.vgg import torchvision_name

COLUMNS = {
    "vgg11": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "vgg13": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def column(net: nn.Module) -> str:
    """The convolutions and poolings of a network as in the table."""
    kept = [m for m in net.features if isinstance(m, nn.Conv2d | nn.MaxPool2d)]
    return " ".join(str(getattr(m, "out_channels", "M")) for m in kept)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_papers_columns(name):
    with torch.device("meta"):
        assert column(build(name, 3, 1000, 224)) == COLUMNS[name]


def test_the_dense_layers_see_7x7_maps():
    with torch.device("meta"):
        net = build("vgg16", 3, 1000, 224)
        assert net.features(torch.rand(1, 3, 224, 224)).shape == (1, 512, 7, 7)
        assert net(torch.rand(1, 3, 224, 224)).shape == (1, 1000)


def test_names_are_torchvisions():
    """Its `features` count convolutions, activations and poolings; `classifier` is 0, 3 and 6."""
    with torch.device("meta"):
        names = list(build("vgg11", 3, 1000, 224).state_dict())
        normed = list(build("vgg11", 3, 10, 32, {"norm": True}).state_dict())
    rows = [*(f"features.{i}" for i in (0, 3, 6, 8, 11, 13, 16, 18)), "classifier.0"]
    rows += ["classifier.3", "classifier.6"]
    assert [torchvision_name(n) for n in names] == [
        f"{r}.{p}" for r in rows for p in ("weight", "bias")
    ]
    convolutions = {torchvision_name(n) for n in normed if n.endswith("running_mean")}
    assert convolutions == {f"features.{i}.running_mean" for i in (1, 5, 9, 12, 16, 19, 23, 26)}
    assert find("vgg16").counterparts[0].names is torchvision_name


@pytest.mark.parametrize("norm", [False, True])
def test_a_small_one_learns(norm):
    torch.manual_seed(0)
    net = build("vgg11", 3, 4, (33, 40), {"width": 16, "norm": norm})
    x, t = torch.rand(4, 3, 33, 40), torch.arange(4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    net.eval()  # without dropout, so that the loss has no noise
    losses = []
    for _ in range(4):
        loss = F.cross_entropy(net(x), t)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert losses[-1] < losses[0]


def test_activations_keep_their_size_through_the_depth():
    """He et al. 2015, section 2.2: the variance neither vanishes nor explodes."""
    torch.manual_seed(0)
    net = build("vgg19", 3, 10, 32, {"width": 8})
    first = net.features[:2](torch.randn(2, 3, 32, 32)).square().mean()
    last = net.features[:-1](torch.randn(2, 3, 32, 32)).square().mean()
    assert 0.1 < last / first < 10
