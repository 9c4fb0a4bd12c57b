"""Costs counted against worked values."""

import torch

from cutaway.learn.counting import count_cost
from cutaway.models.mlp import MLP


def test_a_product_and_a_sum():
    a, b = torch.randn(2, 3), torch.randn(3, 5)
    found = count_cost(lambda: (a @ b).relu())
    assert (found.flops, found.bytes, found.calls) == (2 * 2 * 3 * 5, 2 * 4 * 10, 2)


def test_views_cost_nothing():
    a = torch.randn(2, 3)
    assert count_cost(lambda: a.T[1:].unsqueeze(0)).calls == 0


def test_backward_of_a_perceptron():
    """Each layer two products, the first one only: its input needs no gradient."""
    net, x = MLP(4, [4, 4], 4), torch.randn(8, 1, 1, 4)
    forward, losses = 2 * 8 * 3 * 16, []
    assert count_cost(lambda: losses.append(net(x).sum())).flops == forward
    assert count_cost(losses[0].backward).flops == forward * 5 / 3
    assert count_cost(lambda: net(x)).flops == forward
