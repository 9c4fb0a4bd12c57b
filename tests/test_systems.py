"""Every system of the course as graphs by hand: its gradients are autograd's."""

import pytest
import torch

from cutaway.byhand.check import check
from cutaway.errors import UsageError
from cutaway.models import MODELS
from cutaway.systems import system_graphs

LONG = {
    "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "resnet50", "resnet101", "resnet152",
    "resnet44", "resnet56", "resnet110", "plain44", "plain56", "plain110", "efficientnet_lite0",
    "plain34", "resnet34", "googlenet", "improved_gan", "resnet18", "plain18", "resnet32",
    "efficientnet_b0", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "convnext_tiny",
    "plain32", "encoder_decoder",
}  # fmt: skip
NEVER = {"resnet1202"}  # half a minute of tracing alone; `cutaway check resnet1202` does it
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
    for name in MODELS
    if name not in NEVER
]


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_network(name):
    for one in system_graphs(name):
        found = check(one.graph, *one.inputs, differences=3)
        assert max(found.autograd, found.values) < 1e-6, one.player
        assert found.differences < 1e-3, one.player
        assert len(found.rows) == len(one.graph.parameters)


def test_players_learn_their_own_parameters():
    d, g = system_graphs("dcgan")
    assert (d.player, g.player) == ("discriminator", "generator")
    assert all(name.startswith("discriminator.") for name in d.graph.parameters)
    assert all(name.startswith("generator.") for name in g.graph.parameters)
    assert [one.player for one in system_graphs("dcgan", player="generator")] == ["generator"]


def test_the_same_seed_gives_the_same_system():
    a, b, c = (system_graphs("lenet5", seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(a.inputs[0], b.inputs[0])
    assert not torch.equal(a.inputs[0], c.inputs[0])
    for name, value in a.graph.parameters.items():
        assert torch.equal(value, b.graph.parameters[name])


def test_ones_own_images_and_options():
    (one,) = system_graphs("mlp", images=torch.rand(3, 1, 8, 8), options={"activation": "tanh"})
    assert one.inputs[0].shape == (3, 1, 8, 8)
    assert any(node.title == "Tanh" for node in one.graph.operations)


def test_what_is_not_known():
    with pytest.raises(UsageError, match="Did you mean 'lenet5'"):
        system_graphs("lenet6")
    with pytest.raises(UsageError, match="no player 'judge'"):
        system_graphs("dcgan", player="judge")
    with pytest.raises(UsageError, match="no option"):
        system_graphs("lenet5", options={"depth": 3})
    with pytest.raises(UsageError, match="at least"):
        system_graphs("vgg11", images=torch.rand(1, 3, 8, 8))
