"""The first lines of a training say how large its pictures are, and who chose it."""

from pathlib import Path

import pytest
from helpers.digits import digits

from cutaway.learn.execution import Execution
from cutaway.learn.fit import begin_training
from cutaway.learn.recipe import Recipe
from cutaway.show.progress import introduction


@pytest.mark.parametrize(("size", "who"), [(0, "chosen from the data"), (8, "set by the recipe")])
def test_the_size_of_the_images_is_said(tmp_path: Path, size: int, who: str) -> None:
    recipe = Recipe(model="mlp", data="own:digits", image_size=size)
    training = begin_training(recipe, digits(40), Execution(out=tmp_path / "run"))
    line = f"Images of 8 x 8 pixels, {who}: --image-size N for others"
    assert line in introduction(training)
