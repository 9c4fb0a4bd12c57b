"""Optimizers that know values alone."""

import math

import torch
from torch import nn

from cutaway.learn.optim import Closure, Evaluations
from cutaway.learn.optim.blackbox import EvolutionStrategy, RandomSearch, centred_ranks


def test_centred_ranks():
    found = centred_ranks(torch.tensor([[3.0, -1.0], [math.inf, -1.0]]))
    assert torch.allclose(found, torch.tensor([[1 / 6, -1 / 3], [0.5, -1 / 3]]))
    assert found.sum().abs() < 1e-6


def test_the_estimated_gradient_points_where_the_gradient_does():
    w = nn.Parameter(torch.zeros(6))
    slope = torch.arange(1.0, 7.0)
    optimizer = EvolutionStrategy([w], lr=1e-3, pairs=500, sigma=0.1)
    asked = Closure(lambda first: [slope @ w], [w])
    optimizer.step(asked)
    assert torch.cosine_similarity(w.grad, slope, dim=0) > 0.99
    assert asked.evaluations == Evaluations(values=1001)
    assert w.abs().max() <= 1e-3 + 1e-6  # Adam's first step, from where it stood


def test_random_search_never_rises_and_returns_to_the_best():
    w = nn.Parameter(torch.ones(4))
    optimizer, values = RandomSearch([w], lr=0.3, trials=5), []
    for _ in range(30):
        asked = Closure(lambda first: [w.square().sum()], [w])
        lowest = optimizer.step(asked)
        assert w.square().sum().item() == lowest
        assert asked.evaluations == Evaluations(values=6)
        values.append(lowest)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5 * values[0]


def test_the_seed_decides():
    def end(seed):
        w = nn.Parameter(torch.ones(4))
        optimizer = RandomSearch([w], seed=seed)
        optimizer.step(Closure(lambda first: [w.square().sum()], [w]))
        return w.detach()

    assert torch.equal(end(1), end(1))
    assert not torch.equal(end(1), end(2))
