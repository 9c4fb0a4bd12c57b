import pytest
import torch
from helpers.traced import Of, Residual, agrees, x_of
from torch import nn
from torch.nn import functional as F

from cutaway.byhand import trace


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        return self.head(torch.cat([x, self.up(F.gelu(self.down(x)))], 1))


NETWORKS = {
    "perceptron": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Sigmoid(), nn.Linear(8, 3)),
        (5, 3, 2, 2),
    ),
    "lenet": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 10), nn.LogSoftmax(1),
        ),
        (3, 1, 18, 18),
    ),
    "residual": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), Residual(), Residual()), (2, 1, 7, 7)),
    "skip": (Skip, (2, 2, 6, 6)),
    "normalised": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, groups=3), nn.LocalResponseNorm(4), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(2), nn.Upsample(scale_factor=2), nn.Conv2d(6, 2, 2),
        ),
        (2, 3, 6, 6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_whole_networks_are_autograds(name, training):
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    agrees(make().train(training), x_of(*shape))


def test_a_whole_loss_with_targets_of_whole_numbers():
    model, target = Of(lambda u, x, t: F.cross_entropy(x @ u, t)), torch.tensor([0, 2, 1, 1])
    graph = agrees(model, x_of(4, 3), target)
    assert graph.inputs == ["x_0", "x_1"]
    assert graph.backward()["u"].shape == (3, 3)


def test_another_batch_goes_through_the_same_graph():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    graph, x = trace(model, x_of(2, 1, 4, 4)), x_of(7, 1, 4, 4)
    torch.testing.assert_close(graph.forward(x), model(x))
