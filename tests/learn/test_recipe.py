import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutaway.errors import UsageError
from cutaway.learn.fleet import plan
from cutaway.learn.recipe import FORMAT, Recipe, from_dict, read_recipe
from cutaway.recipes import pair


def test_text_is_read_as_the_field_type():
    recipe = Recipe().override(epochs="3", lr="0.1", augment="none", batch_size="64.0")
    assert (recipe.epochs, recipe.lr, recipe.augment, recipe.batch_size) == (3, 0.1, "none", 64)


def test_options_are_read_from_text_and_mappings():
    text = Recipe().override(optimizer_options="eps=1e-6,amsgrad=true")
    assert text.optimizer_options == {"eps": 1e-6, "amsgrad": True}
    assert Recipe().override(model_options={"widths": "30-10"}).model_options == {"widths": "30-10"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": 3}, "no field 'epoch'. Did you mean 'epochs'?"),
        ({"epochs": "many"}, "takes a whole number, not 'many'"),
        ({"epochs": 2.5}, "takes a whole number, not 2.5"),
        ({"epochs": 0}, "--epochs must be at least 1, not 0"),
        ({"epochs": True}, "takes a whole number"),
        ({"lr": -1}, "--lr must be above 0 and at most 1000, not -1"),
        ({"lr": "nan"}, "not nan"),
        ({"lr": math.inf}, "not inf"),
        ({"schedule": "one-cicle"}, "Did you mean 'one-cycle'?"),
        ({"monitor": "test-accuracy"}, "Choosing on the test set is not allowed"),
        ({"patience": 3, "val": 0}, "Choosing|choosing on the test set is not allowed"),
        ({"accumulate": 256, "batch_size": 128}, "raise --batch-size or lower --accumulate"),
        ({"optimizer_options": "eps"}, "name=value"),
        ({"stages": "fine"}, "'stages' takes a list of tables, .*, not 'fine'"),
        ({"stages": [1]}, "'stages' takes a list of tables, .*, not .1."),
        ({"stages": {"lr": 0.1}}, "'stages' takes a list of tables"),
    ],
)
def test_impossible_values_are_refused_in_a_sentence(changes, words):
    with pytest.raises(UsageError, match=words.replace("?", r"\?").replace("|", "|")):
        Recipe().override(**changes)


def test_every_default_is_possible_and_explained():
    for spec in dataclasses.fields(Recipe):
        assert spec.metadata["help"], spec.name
        assert spec.metadata["panel"] in ("What", "Data", "Learning", "Regularising", "Machine")


@given(
    st.integers(1, 10**6), st.floats(1e-8, 1000), st.text(st.characters(codec="utf-8"), max_size=20)
)
def test_toml_round_trip(epochs, lr, data):
    import tomllib

    recipe = Recipe().override(epochs=epochs, lr=lr, data=data, optimizer_options={"eps": 1e-7})
    assert from_dict(tomllib.loads(recipe.to_toml())) == recipe


def test_a_newer_format_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(f"format = {FORMAT + 1}\n")
    with pytest.raises(UsageError, match="update Cutaway"):
        read_recipe(path)


@pytest.mark.parametrize("content", [b"epochs = ", b"\xff\xfe"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is not a recipe"):
        read_recipe(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml cannot be read"):
        read_recipe(tmp_path / "none.toml")


def test_options_go_where_they_belong():
    recipe = pair("mlp", "digits")
    changed = recipe.with_options(widths="8", lr=0.1)
    assert (changed.model_options, changed.lr) == ({"widths": "8"}, 0.1)
    other = recipe.with_options(model="vae", task="variational", hidden=8, beta=2.0)
    assert (other.model_options, other.task_options) == ({"hidden": 8}, {"beta": 2.0})
    with pytest.raises(UsageError, match="A recipe has no field 'width'"):
        recipe.with_options(width="8")
    several = plan(pair("vae", "digits").override(vary={"beta": [1.0, 2.0], "hidden": [8]}))
    assert [one["task_options"] for one in several] == [{"beta": 1.0}, {"beta": 2.0}]
    assert [one["model_options"] for one in several] == [{"hidden": 8}] * 2
