"""What a closure promises: the same draws, counts, and trials that leave no trace."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.data.batch import Batch
from cutaway.learn import runtime as runtimes
from cutaway.learn.loop import MetricTotals, NotFinite, optimizers_of
from cutaway.learn.optim import Closure, Evaluations
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks.classify import Classify

X = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
T = torch.arange(12) % 3


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def closure(model: nn.Module, parts: int = 1, **more) -> Closure:
    def shares(first):
        for x, t in zip(X.tensor_split(parts), T.tensor_split(parts), strict=True):
            yield F.cross_entropy(model(x), t) / parts

    return Closure(shares, list(model.parameters()), **more)


@pytest.mark.parametrize("parts", [1, 3])
def test_the_same_question_has_the_same_answer(parts):
    asked = closure(network(), parts)
    first = asked.value()
    torch.rand(7)  # whatever is drawn in between
    assert asked.value() == first
    assert asked.loss().item() == first
    assert asked().item() == first


def test_what_follows_draws_as_if_it_had_been_asked_once():
    torch.manual_seed(5)
    closure(model := network()).value()
    torch.manual_seed(5)
    asked = closure(model)
    asked.value()
    expected = torch.rand(3)
    torch.manual_seed(5)
    asked = closure(model)
    for _ in range(4):
        asked()
    assert torch.equal(torch.rand(3), expected)


def test_gradients_are_fresh_each_time_and_those_of_autograd():
    model = network()
    asked = closure(model, 2)
    for _ in range(2):
        asked()
    found = [p.grad.clone() for p in model.parameters()]
    expected = torch.autograd.grad(asked.loss(), list(model.parameters()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_clipping():
    model = network()
    closure(model, clip=1e-3)()
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-2)


def test_trials_leave_the_running_statistics_alone():
    once, often = network(), network()
    closure(once).value()
    asked = closure(often)
    asked.value()
    with torch.no_grad():
        often[0].weight.fill_(math.nan)
    assert asked.value() == math.inf
    asked()
    assert torch.equal(once[1].running_mean, often[1].running_mean)
    assert torch.equal(once[1].running_var, often[1].running_var)
    assert not torch.equal(once[1].running_var, torch.ones(8))


def test_a_trial_that_fails_leaves_no_mode_behind():
    model = network()

    def shares(first):
        if not first:
            raise RuntimeError("spoilt")
        yield model(X).sum()

    asked = Closure(shares, list(model.parameters()))
    asked.value()
    with pytest.raises(RuntimeError, match="spoilt"):
        asked.value()
    before = model[1].running_mean.clone()
    model(X + 1)
    assert not torch.equal(model[1].running_mean, before)


def test_counts():
    asked = closure(network(), evaluations=Evaluations(values=10))
    asked()
    asked.value()
    asked.loss()
    assert asked.evaluations == Evaluations(values=13, gradients=1)


class Thrice(torch.optim.SGD):
    """Asks three times, the last two far away."""

    def step(self, closure):
        closure()
        start = [p.detach().clone() for p in self.param_groups[0]["params"]]
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.fill_(math.nan)
        assert closure.value() == math.inf
        assert closure().isnan()
        with torch.no_grad():
            for p, w in zip(self.param_groups[0]["params"], start, strict=True):
                p.copy_(w)


def player_optimizer(model, **changes):
    recipe = Recipe(weight_decay=0.0, device="cpu", **changes)
    return optimizers_of(Classify().players(model), recipe, runtimes.choose(recipe, model))[0]


def test_a_seat_tallies_once_and_bears_bad_trials(monkeypatch):
    monkeypatch.setattr("torch.optim.Thrice", Thrice, raising=False)
    sitting, totals = player_optimizer(network(), optimizer="torch.optim:Thrice"), MetricTotals()
    sitting.move([Batch(X, T, torch.arange(12))], totals)
    assert totals.images == {"loss": 12, "accuracy": 12}
    assert sitting.evaluations == Evaluations(values=3, gradients=2)
    with torch.no_grad():
        sitting.player.parameters[0].fill_(math.inf)
    with pytest.raises(NotFinite):
        sitting.move([Batch(X, T, torch.arange(12))], totals)


def test_an_ordinary_step_is_one_evaluation():
    sitting = player_optimizer(network(), accumulate=4)
    for _ in range(3):
        sitting.move([Batch(X, T, torch.arange(12))], MetricTotals())
    assert sitting.evaluations == Evaluations(values=3, gradients=3)
