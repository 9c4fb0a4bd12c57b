"""CMA-ES against the package `cmaes`, an independent implementation of the same tutorial."""

import numpy as np
import pytest
import torch
from torch import nn

from cutaway.learn.optim import Closure, Evaluations
from cutaway.learn.optim.cma import CMAES, Strategy

SCALES = torch.logspace(0, 2, 6, dtype=torch.float64)


def valley(w: torch.Tensor) -> torch.Tensor:
    return (SCALES * w.square()).sum()


@pytest.mark.parametrize("population", [0, 16])
def test_fed_the_same_populations_it_learns_the_same(population):
    package = pytest.importorskip("cmaes")
    oracle = package.CMA(mean=np.ones(6), sigma=0.5, seed=1, population_size=population or None)
    own = CMAES([nn.Parameter(torch.ones(6).double())], lr=0.5, population=population)
    own._begin()
    mean = torch.ones(6).double()
    for _ in range(40):
        points = [oracle.ask() for _ in range(oracle.population_size)]
        told = [(x, valley(torch.from_numpy(x)).item()) for x in points]
        ordered = torch.from_numpy(np.array([x for x, _ in sorted(told, key=lambda s: s[1])]))
        sigma = 0.5 * own.memory["sigma"]
        oracle.tell(told)
        mean = mean + sigma * own.adapt((ordered - mean) / sigma)
        torch.testing.assert_close(mean, torch.from_numpy(oracle.mean.copy()))
        assert 0.5 * own.memory["sigma"] == pytest.approx(oracle._sigma)
        torch.testing.assert_close(own.memory["C"], torch.from_numpy(oracle._C.copy()))
        torch.testing.assert_close(own.memory["p_c"], torch.from_numpy(oracle._pc.copy()))


@pytest.mark.slow
def test_it_needs_no_more_evaluations_than_the_oracle():
    package = pytest.importorskip("cmaes")

    def theirs(seed):
        oracle, count = package.CMA(mean=np.ones(6), sigma=0.5, seed=seed), 0
        while valley(torch.from_numpy(oracle.mean)) > 1e-8:
            points = [oracle.ask() for _ in range(oracle.population_size)]
            oracle.tell([(x, valley(torch.from_numpy(x)).item()) for x in points])
            count += len(points)
        return count

    def ours(seed):
        w, counts = nn.Parameter(torch.ones(6).double()), Evaluations()
        optimizer = CMAES([w], lr=0.5, seed=seed)
        while valley(w).item() > 1e-8:
            optimizer.step(Closure(lambda first: [valley(w)], [w], evaluations=counts))
        return counts.values

    mean = [sum(map(count, range(1, 6))) / 5 for count in (ours, theirs)]
    assert mean[0] < 1.25 * mean[1]  # one more in each generation of nine, to know where it stands


def test_the_weights_of_the_better_half_add_up_to_one():
    for n in (1, 2, 10, 300):
        s = Strategy(n, 4 + int(3 * np.log(n)))
        assert s.weights[: s.mu].sum().item() == pytest.approx(1.0)
        assert 0 <= s.c_1 + s.c_mu <= 1


def test_memory_comes_back_in_float64():
    w = nn.Parameter(torch.ones(3))
    one = CMAES([w])
    one.step(Closure(lambda first: [w.square().sum()], [w]))
    other = CMAES([nn.Parameter(w.detach().clone())])
    other.load_state_dict(one.state_dict())
    assert other.memory["C"].dtype == torch.float64
    assert torch.equal(other.memory["C"], one.memory["C"])
