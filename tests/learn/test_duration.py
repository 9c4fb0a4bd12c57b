"""Budgets as numbers of epochs, and how long is told."""

import pytest
import torch
from helpers.digits import digits
from hypothesis import given
from hypothesis import strategies as st

from cutaway.errors import UsageError
from cutaway.learn.duration import SPARE, Duration, fitted, measure, read_time, told, with_time
from cutaway.learn.recipe import Recipe

STAGED = Recipe(epochs=9, stages=[{"epochs": 4, "freeze": "backbone"}, {}])
TIMES = Duration(once=2.0, epoch=(0.5, 3.0))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("45", 45), (" 2 min ", 120)]
)
def test_times_are_read(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-3m", "0s", "10 weeks", "nan"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match=r"90s, 10m or 1\.5h"):
        read_time(text)


@given(st.floats(8, 200))
def test_a_budget_holds_as_many_epochs_as_it_can(budget):
    recipe = fitted(STAGED, TIMES, budget)
    head, layers = (stage.epochs for stage in recipe.in_stages())
    assert head == 4
    assert TIMES.seconds([head, layers]) <= SPARE * budget
    assert layers == 9 or TIMES.seconds([head, layers + 1]) > SPARE * budget


def test_a_plan_that_fits_stays_as_it_is():
    assert fitted(STAGED, TIMES, 1000.0) == STAGED


def test_one_stage_is_shortened_too():
    assert fitted(Recipe(epochs=9), Duration(1.0, (2.0,)), 6.0).epochs == 2


def test_less_than_an_epoch_is_refused_with_what_it_would_take():
    with pytest.raises(UsageError, match="one epoch takes about 8 s here, more than the 3 s"):
        fitted(STAGED, TIMES, 3.0)


def test_measuring_leaves_no_trace():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    recipe = Recipe(stages=[{"freeze": "backbone", "epochs": 3}, {}], image_size=32, epochs=2)
    duration = measure(recipe, digits(60, 32))
    assert torch.equal(torch.get_rng_state(), before)
    assert len(duration.epoch) == 2
    assert min(duration.once, *duration.epoch) > 0
    same, sentence = with_time(recipe, digits(60, 32), read_time(""))
    assert same == recipe
    assert sentence.startswith("Training takes about ")


def test_networks_of_ones_own_have_no_budget():
    with pytest.raises(UsageError, match="give --epochs instead"):
        with_time(Recipe(model="own:Net"), digits(20), 300.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (8.4, "8 s"), (47, "50 s"), (150, "2 min"), (6000, "1.7 h")],
)
def test_estimates_are_told_as_exactly_as_they_are(seconds, text):
    assert told(seconds) == text
