"""When weights lie apart: a rule, and what it refuses."""

import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.learn import memory
from cutaway.learn.recipe import Recipe
from cutaway.learn.sharding import choose_sharding, kept, needed
from cutaway.together.sharded import refusal
from cutaway.together.team import ALONE, Team

TWO = Team(0, 2)


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@pytest.mark.parametrize(
    ("optimizer", "numbers"),
    [("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2), ("rmsprop", 1), ("adagrad", 1)],
)
def test_what_an_optimizer_keeps_of_each_weight(optimizer, numbers):
    momentum = {"momentum": 0.0} if optimizer in ("sgd", "rmsprop") else {}
    recipe = Recipe().with_options(optimizer=optimizer, **momentum)
    assert kept(recipe) == numbers
    assert needed(recipe, network()) == 4 * 650 * (2 + numbers)


@pytest.mark.parametrize(("size", "sharded"), [(10_000, True), (30_000, False)])
def test_the_rule_looks_at_what_a_process_may_fill(monkeypatch, size, sharded):
    """Adam on 650 weights: 10,400 bytes, beside half of what two processes share."""
    monkeypatch.setattr(memory, "total", lambda device: 2 * size)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    found, said = choose_sharding("auto", Recipe(optimizer="adam"), network(), TWO, "cpu")
    assert found == sharded
    assert ("10 kB, of 10 kB that each process may fill" in said) == sharded
    assert choose_sharding("no", Recipe(optimizer="adam"), network(), TWO, "cpu") == (False, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": "l-bfgs"}, "whole matrices"),
        ({"optimizer": "rprop"}, "whole matrices"),
        ({"ema": 0.9}, "--ema"),
        ({"watch": 5}, "--watch"),
        ({"max_norm": 1.0}, "--max-norm"),
        ({"decay": "l2"}, "--decay l2"),
        ({"memory_format": "channels-last"}, "channels-last"),
        ({"task": "implicit"}, "the task 'implicit'"),
    ],
)
def test_what_looks_at_whole_weights_is_refused(monkeypatch, changes, said):
    recipe = Recipe().with_options(**changes)
    with pytest.raises(UsageError, match=said):
        choose_sharding("yes", recipe, network(), TWO, "cpu")
    monkeypatch.setattr(memory, "total", lambda device: 1000)
    assert choose_sharding("auto", recipe, network(), TWO, "cpu") == (False, "")


@pytest.mark.parametrize(("wish", "team"), [("yes", ALONE), ("perhaps", TWO)])
def test_a_wish_that_makes_no_sense(wish, team):
    with pytest.raises(UsageError, match="--shard"):
        choose_sharding(wish, Recipe(), network(), team, "cpu")


def test_networks_whose_weights_cannot_lie_apart():
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    assert refusal(tied) == "'1.weight' and '0.weight' are one and the same"
    scaled = network()
    scaled.scale = nn.Parameter(torch.ones(()))
    assert refusal(scaled) == "'scale' is a single number"
    assert refusal(network()) == ""
