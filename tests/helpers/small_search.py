"""A search that takes a moment: tiny networks on a few digits."""

from pathlib import Path
from typing import Any

from cutaway.learn.recipe import Recipe
from cutaway.learn.search import Search, launch
from cutaway.recipes import pair
from helpers.digits import digits

OVER = {"lr": (0.001, 1.0), "batch_size": [16, 32, 64], "widths": ["4", "8"]}


def small(**changes: Any) -> Recipe:
    settings = {"epochs": 3, "image_size": 8, "augment": "none", "patience": 0}
    settings |= {"batch_size": 32, "model_options": {"widths": "8"}}
    return pair("mlp", "own:digits").with_options(**settings | changes)


def search(path: Path, trials: int = 8, over: Any = OVER, **how: Any) -> Search:
    recipe = how.pop("recipe", None) or small()
    return launch(recipe, digits(200), trials=trials, over=over, out=path, **how)
