"""Weight decay of each kind against the optimizer of PyTorch that has it as its own."""

import pytest
import torch
from test_loop import RECIPE, feed, network, parameters

from cutaway.learn import machine as machines
from cutaway.learn.decay import pull
from cutaway.learn.loop import Tally, play, seats
from cutaway.learn.tasks.classify import Classify


def trained(steps: int = 6, **changes) -> torch.Tensor:
    recipe = RECIPE.override(lr=0.01, weight_decay=0.3, **changes)
    model = network()
    table = seats(Classify().players(model), recipe, machines.choose(recipe, model))
    for seat in table:
        pull(seat.optimizer, recipe)
    for _ in play(table, feed(recipe), Tally(), 0, steps):
        pass
    return parameters(model)


@pytest.mark.parametrize(
    ("other", "decay", "own"),
    [
        ("adamw", "l2", "adam"),
        ("adam", "decoupled", "adamw"),
        ("adam", "l2", "adam"),
        ("adamw", "decoupled", "adamw"),
        ("nesterov", "l2", "nesterov"),
    ],
)
def test_it_is_that_of_the_optimizer_that_has_it(other, decay, own):
    found, wanted = trained(optimizer=other, decay=decay), trained(optimizer=own)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert (found - trained(optimizer=other, decay=decay, accumulate=2)).abs().max() < 1e-3


def test_the_two_kinds_differ():
    assert (trained(optimizer="adam", decay="l2") - trained(optimizer="adamw")).abs().max() > 1e-3


def test_optimizers_without_one_get_one():
    plain, pulled = trained(optimizer="rprop"), trained(optimizer="rprop", decay="decoupled")
    assert pulled.norm() < plain.norm()
