"""Who the members are."""

import pytest

from cutaway.errors import UsageError
from cutaway.learn.fleet import plan
from cutaway.learn.recipe import Recipe


def test_replicates_share_the_split_and_count_their_seeds_up():
    members = plan(Recipe(seed=5, replicates=3))
    assert [one["seed"] for one in members] == [5, 6, 7]
    assert {one["split_seed"] for one in members} == {5}
    assert {one["split_seed"] for one in plan(Recipe(split_seed=2, replicates=2))} == {2}


def test_everything_that_varies_is_combined():
    members = plan(Recipe(replicates=2, folds=3, vary={"lr": [0.1, 0.01]}))
    assert len(members) == 12
    assert len({tuple(sorted(map(str, one.items()))) for one in members}) == 12
    assert {one["fold"] for one in members} == {"1/3", "2/3", "3/3"}


def test_options_of_the_model_go_together():
    vary = {"widths": ["30", "40"]}
    members = plan(Recipe(model="mlp", model_options={"activation": "tanh"}, vary=vary))
    assert [one["model_options"] for one in members] == [
        {"activation": "tanh", "widths": "30"},
        {"activation": "tanh", "widths": "40"},
    ]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "at least two members"),
        ({"folds": 1}, "at least two folds"),
        ({"vary": {"lr": []}}, "'lr' varies over a list"),
        ({"vary": {"optimizer": "sgd"}}, "'optimizer' varies over a list"),
        ({"replicates": 3, "vary": {"seed": [1, 2]}}, "differ in their seed"),
    ],
)
def test_what_makes_no_fleet(asked, sentence):
    with pytest.raises(UsageError, match=sentence):
        plan(Recipe(**asked))
