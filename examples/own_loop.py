"""See inside a network while a training loop of one's own goes on."""

import torch
from sklearn.datasets import load_digits
from torch import nn

import cutaway as ca

torch.manual_seed(0)
digits = load_digits()
x, t = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(network.parameters(), 0.01)

with ca.watch(network, every=20) as scope:
    for _ in range(200):
        batch = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), t[batch]).backward()
        optimizer.step()

print("Updates beside weights, of each layer at the end:", scope.watched.ratio[-1].tolist())
print("The page:", ca.look(network, x[:64], t[:64], what=["graph", "features"]))
