"""Residual and plain networks against He et al. 2015; recomputation against plain backprop."""

import copy
from functools import cache, partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.models import build, count, find
from cutaway.models.parts.checkpointed import Checkpointed
from cutaway.models.resnet import Basic, Bottleneck, Plain, Projection, Residual, ResNet, ZeroPad

# Table 6's column "# params" in millions, to the digits it prints.
PRINTED = {
    20: (0.27, 2),
    32: (0.46, 2),
    44: (0.66, 2),
    56: (0.85, 2),
    110: (1.7, 1),
    1202: (19.4, 1),
}


@cache
def on_meta(name: str, size: int = 32) -> nn.Module:
    """The network as in its source, without memory for its weights."""
    with torch.device("meta"):
        return build(name, 3, find(name).example[1], size)


def layers(net: nn.Module) -> int:
    """Weighted layers as the paper counts them: all but the projections."""
    names = [n for n, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return sum(".shortcut" not in n for n in names)


@pytest.mark.parametrize("depth", PRINTED)
def test_millions_of_parameters_as_in_table_6(depth):
    printed, digits = PRINTED[depth]
    assert round(count(on_meta(f"resnet{depth}")) / 1e6, digits) == printed


NAMES = [f"resnet{d}" for d in (18, 20, 32, 34, 44, 50, 56, 101, 110, 152, 1202)]
NAMES += [f"plain{d}" for d in (18, 20, 32, 34, 44, 56, 110)]


@pytest.mark.parametrize("name", NAMES)
def test_the_depth_is_the_names(name):
    assert layers(on_meta(name)) == int(name.removeprefix("resnet").removeprefix("plain"))


@pytest.mark.parametrize(
    ("name", "size", "maps"),
    [
        ("resnet20", 32, [(16, 32), (32, 16), (64, 8)]),
        ("plain34", 224, [(64, 56), (128, 28), (256, 14), (512, 7)]),
        ("resnet50", 224, [(256, 56), (512, 28), (1024, 14), (2048, 7)]),
    ],
)
def test_output_sizes_of_each_stage(name, size, maps):
    net, seen = on_meta(name, size), []
    with torch.device("meta"):
        x = net.stem(torch.rand(1, 3, size, size))
        for stage in net.stages:
            x = stage(x)
            seen.append(tuple(x.shape[1::2]))
    assert seen == maps


@pytest.mark.parametrize("body", [Basic, Bottleneck])
def test_a_residual_block_is_a_plain_one_and_its_input(body):
    torch.manual_seed(0)
    block, x = Residual(8, 8, 1, body, ZeroPad).eval(), torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(block(x), (block.F(x) + x).relu())
    plain = Plain(8, 8, 1, body).eval()
    plain.F.load_state_dict(block.F.state_dict())
    torch.testing.assert_close(plain(x), block.F(x).relu())


def test_with_f_at_zero_only_the_residual_block_passes_its_input_and_gradient():
    x = torch.rand(1, 4, 3, 3, requires_grad=True)
    for block, passed in ((Residual(4, 4, 1, Basic, ZeroPad), 1.0), (Plain(4, 4, 1), 0.0)):
        nn.init.zeros_(block.F.norm2.weight)
        y = block(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        torch.testing.assert_close(y, passed * x)
        torch.testing.assert_close(gradient, torch.full_like(x, passed))


def loss_after_steps(name: str) -> float:
    """Of six images in four classes."""
    torch.manual_seed(0)
    net, x, t = build(name, 2, 4, 8), torch.rand(6, 2, 8, 8), torch.arange(6) % 4
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), t)
        loss.backward()
        optimizer.step()
    return loss.item()


def test_depth_hurts_the_plain_networks_and_not_the_residual_ones():
    """Section 4.2 and figure 6: plain-110 stays near chance, log 4 = 1.39 here."""
    plain = [loss_after_steps(f"plain{depth}") for depth in (20, 110)]
    residual = [loss_after_steps(f"resnet{depth}") for depth in (20, 110)]
    assert plain[0] < 0.8 < 1.1 < plain[1]
    assert max(residual) < 0.1


def test_shortcuts():
    x = torch.rand(1, 2, 5, 5)
    padded = ZeroPad(2, 6, 2)(x)
    assert torch.equal(padded[:, 2:4], x[:, :, ::2, ::2])
    assert padded[:, [0, 1, 4, 5]].abs().max() == 0
    assert Projection(2, 6, 2)(x).shape == padded.shape


def test_names_are_torchvisions():
    """Spot checks by its published file, and its 320 entries for ResNet-50, each once."""
    names = list(on_meta("resnet50").state_dict())
    there = [find("resnet50").counterparts[0].names(n) for n in names]
    assert len(set(there)) == len(there) == 320
    assert {
        "conv1.weight",
        "bn1.running_var",
        "layer1.0.conv3.weight",
        "layer1.0.downsample.0.weight",
        "layer4.0.downsample.1.bias",
        "layer4.2.bn3.num_batches_tracked",
        "fc.bias",
    } <= set(there)
    first = {name.split(".")[0] for name in there}
    assert first == {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"}


def step(net: nn.Module) -> nn.Module:
    """The network after one step's gradients."""
    torch.manual_seed(1)
    F.cross_entropy(net(torch.randn(4, 3, 12, 12)), torch.arange(4)).backward()
    return net


def test_computing_again_changes_neither_gradients_nor_buffers():
    torch.manual_seed(0)
    kept = build("resnet32", 3, 4, 12)
    again = build("resnet32", 3, 4, 12, {"checkpoint": True})
    again.load_state_dict(kept.state_dict())
    before = copy.deepcopy(kept.state_dict())
    step(kept), step(again)
    for a, b in zip(kept.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    for (name, a), b in zip(kept.named_buffers(), again.buffers(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, before[name])  # one step did move them


def test_computing_again_keeps_few_activations():
    def saved(checkpoint: bool) -> int:
        """Numbers that the graph holds between the forward and the backward pass."""
        net, held = build("resnet56", 3, 4, 16, {"checkpoint": checkpoint}), {}
        own = {p.data_ptr() for p in net.parameters()}

        def pack(t: torch.Tensor) -> torch.Tensor:
            if t.data_ptr() not in own:
                held[t.data_ptr()] = t
            return t

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            net(torch.rand(2, 3, 16, 16))
        return sum(t.numel() for t in held.values())

    assert saved(True) < saved(False) / 4


def test_every_parameter_of_a_bottleneck_network_gets_a_gradient():
    """The registry's sweep leaves out the networks with bottlenecks, which are large."""
    torch.manual_seed(0)
    stem, block = (
        nn.Conv2d(3, 8, 3, padding=1),
        partial(Residual, F=Bottleneck, shortcut=Projection),
    )
    net = step(ResNet(stem, 8, (16, 32), (2, 2), 4, block))
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


def test_only_the_deepest_computes_again_unless_asked():
    assert isinstance(on_meta("resnet1202").stages[0], Checkpointed)
    assert not isinstance(on_meta("resnet110").stages[0], Checkpointed)
