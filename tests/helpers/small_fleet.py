"""A fleet that takes a moment: tiny networks on a few digits."""

from typing import Any

from cutaway.learn.recipe import Recipe
from cutaway.recipes import pair
from helpers.digits import digits

IMAGES = digits(360)


def small(**changes: Any) -> Recipe:
    settings = {"model_options": {"widths": "16"}, "epochs": 2, "image_size": 8, "augment": "none"}
    return pair("mlp", "digits").override(**settings | changes)
