"""What is tried: ranges and values as they are asked for, and what suits a recipe by itself."""

import math

import pytest

from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe
from cutaway.learn.search import axes, space
from cutaway.learn.search.axes import Choice, Range
from cutaway.recipes import pair

MLP = pair("mlp", "digits")


@pytest.mark.parametrize(
    ("field", "wish", "found"),
    [
        ("lr", (0.001, 0.1), Range(0.001, 0.1, log=True)),
        ("lr", (0.01, 0.05), Range(0.01, 0.05)),
        ("weight_decay", (0, 0.1), Range(0.0, 0.1)),
        ("label_smoothing", (0.01, 0.3), Range(0.01, 0.3)),
        ("epochs", (1, 20), Range(1, 20, whole=True)),
        ("optimizer", ["adamw", "sgd", "adamw"], Choice(("adamw", "sgd"))),
        ("batch_size", [32, 64], Choice((32, 64))),
        ("batch_size", (32, 64), Range(32, 64, whole=True)),
        ("widths", [100, "300-100"], Choice((100, "300-100"))),
    ],
)
def test_what_is_asked_for(field, wish, found):
    assert space.read(MLP, {field: wish}) == {field: found}
    assert axes.from_dict(axes.to_dict(found)) == found


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"lrr": [1, 2]}, "no field 'lrr' to search over. Did you mean 'lr'?"),
        ({"wdiths": ["8", "9"]}, "Did you mean 'widths'?"),
        ({"lr": (0.1, 0.001)}, "the lower end comes first"),
        ({"lr": (0.1, "x")}, "'x' is not a number"),
        ({"lr": (0.1, math.inf)}, "'inf' is not a number"),
        ({"epochs": (1, 2.5)}, "takes whole numbers"),
        ({"optimizer": ("adamw", "sgd")}, "list its values"),
        ({"lr": [0.1]}, "at least two values"),
        ({"lr": 0.1}, "takes a range"),
        ({"optimizer": [{}, "sgd"]}, "numbers and words"),
        ({"val": (0.1, 0.2)}, "cannot vary 'val'"),
        ({"test": (0.1, 0.2)}, "cannot vary 'test'"),
        ({"seed": [1, 2]}, "cannot vary 'seed'"),
        ({"device": ["cpu", "cuda"]}, "cannot vary 'device'"),
        ({"model_options": ["a", "b"]}, "cannot vary 'model_options'"),
    ],
    ids=str,
)
def test_what_cannot_be_searched(over, words):
    with pytest.raises(UsageError) as caught:
        space.read(MLP, over)
    assert words in str(caught.value)


def test_values_that_a_field_cannot_have_are_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match="at most"):
        space.check(space.read(MLP, {"lr": (0.1, 5000)}), MLP)


def test_by_default_the_rate_is_relative_and_the_optimizer_varies():
    found = space.default(MLP)
    assert found["lr"] == Range(1 / 30, 30, log=True, relative=True)
    assert found["optimizer"] == Choice(("adamw", "nesterov"))
    assert found["batch_size"].values == (32, 64, 128)
    assert set(found) == {
        "lr", "optimizer", "momentum", "weight_decay", "batch_size", "label_smoothing",
    }  # fmt: skip


def test_another_optimizer_is_tried_about_its_own_rate():
    wanted = space.read(MLP, {}) | {"optimizer": Choice(("adamw", "nesterov"))}
    point = dict(space.own_point(wanted, MLP), lr=2.0, optimizer="nesterov")
    assert space.settle(wanted, MLP, point)["lr"] == 0.1  # twice the recommended 0.05
    assert space.settle(wanted, MLP, dict(point, optimizer="adamw"))["lr"] == 2 * MLP.lr


def test_the_recipe_as_it_is_lies_in_its_space():
    point = space.own_point(space.default(MLP), MLP)
    recipe = MLP.with_options(**space.settle(space.default(MLP), MLP, point))
    assert recipe == MLP
    assert space.own_point(space.read(MLP, {"lr": (0.5, 1.0)}), MLP) is None


def test_numbers_have_four_digits():
    wanted = {"lr": Range(0.001, 0.1, log=True)}
    assert space.settle(wanted, MLP, {"lr": 0.0123456789}) == {"lr": 0.01235}


def test_a_game_of_two_keeps_its_optimizer():
    assert set(space.default(pair("dcgan", "mnist"))) == {"lr", "batch_size"}


def test_what_each_stage_sets_for_itself_is_not_searched():
    staged = Recipe(stages=[{"lr": 0.1, "epochs": 1}, {"lr": 0.2}])
    assert "lr" not in space.default(staged)
    with pytest.raises(UsageError, match="Each stage of this recipe sets its own 'lr'"):
        space.read(staged, {"lr": (0.001, 0.1)})
    space.read(staged, {"epochs": (1, 3)})  # of the second


def test_points_are_counted():
    assert space.points({"a": Choice((1, 2)), "b": Range(1, 3, whole=True)}) == 6
    assert space.points({"a": Choice((1, 2)), "b": Range(1, 3)}) == math.inf
    found = list(space.every({"a": Choice((1, 2)), "b": Range(1, 3, whole=True)}, 4))
    assert found == [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 1}]
