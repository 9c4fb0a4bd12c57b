"""Algorithm 4-1 takes the steps that torch.optim.SGD takes."""

import copy

import torch
from torch import nn

from cutaway import models
from cutaway.byhand import trace
from cutaway.byhand.descent import descend


class Loss(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x, t):
        return nn.functional.cross_entropy(self.network(x), t)


def batches(count: int):
    draw = torch.Generator().manual_seed(0)
    return [
        (torch.randn(8, 1, 28, 28, generator=draw), torch.randint(10, (8,), generator=draw))
        for _ in range(count)
    ]


def by_autograd(network: nn.Module, rates: list[float]) -> list[float]:
    losses = []
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    for (x, t), rate in zip(batches(len(rates)), rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        J = Loss(network)(x, t)
        J.backward()
        optimizer.step()
        losses.append(J.item())
    return losses


def test_the_same_path_as_autograd_and_sgd():
    for name in ("lenet5", "deep_mlp", "lenet_norm"):
        torch.manual_seed(0)
        network = models.build(name, 1, 10, 28).train()
        other, rates = copy.deepcopy(network), [0.1, 0.05, 0.02, 0.01]
        graph = trace(Loss(network), *batches(1)[0])
        J = list(descend(graph, batches(4), rates.__getitem__))
        torch.testing.assert_close(J, by_autograd(other, rates), rtol=1e-5, atol=1e-6)
        theirs = other.state_dict()
        for key, value in network.state_dict().items():
            if "num_batches" not in key:
                torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-5)


def test_it_learns():
    torch.manual_seed(0)
    network = models.build("lenet5", 1, 10, 28)
    x, t = batches(1)[0]
    J = list(descend(trace(Loss(network), x, t), [(x, t)] * 100, 0.02))
    assert J[-1] < 0.2 * J[0]
