"""What the report says of how far a classifier can be trusted."""

import pytest

from cutaway.learn.recipe import Recipe
from cutaway.show.scores import distorted, unlike
from cutaway.show.words import SPACE

RECIPE = Recipe(model="mlp")


@pytest.mark.parametrize(
    "change", [{"class_weights": "balanced"}, {"sampling": "balanced"}, {"logit_adjust": 1.0}]
)
def test_what_distorts_probabilities_is_said(change):
    assert "too high for rare classes" in distorted(RECIPE.override(**change))
    assert not distorted(RECIPE.override(focal=2.0))


def test_the_share_of_test_images_that_are_unlike_is_said():
    said = unlike({"flagged": 0.048, "test_images": 300}, "image")
    assert f"95{SPACE}% of the validation images" in said
    assert said.endswith(f"Of these images it marks 4.8{SPACE}%.")
    assert not unlike({}, "image")
    assert not unlike({"flagged": None}, "image")
