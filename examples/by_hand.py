"""Gradients without autograd, node by node, beside those of autograd."""

import torch
from torch import nn

from cutaway import byhand

torch.manual_seed(0)
network = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 1)).double()
x = torch.rand(5, 4, dtype=torch.float64)

graph = byhand.trace(network, x)
s = graph.forward(x)
gradients = graph.backward(torch.ones_like(s))  # of J, the sum of all answers

network(x).sum().backward()
for name, p in network.named_parameters():
    print(f"{name:<9} differs by {float((gradients[name] - p.grad).abs().max()):.1e}")
