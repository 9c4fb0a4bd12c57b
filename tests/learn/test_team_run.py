"""What several processes cannot learn together is refused before anything is made."""

import pytest
import torch
from helpers.digits import digits

from cutaway.data.split import split
from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe
from cutaway.learn.team_run import expect_shareable
from cutaway.together.team import Team

IMAGES = digits().subset(torch.arange(100))
PARTS = split(IMAGES, val=0.1, test=0.2, seed=0)  # 70 to learn from


def refusal(processes: int, **changes: object) -> str:
    try:
        expect_shareable(Recipe(**changes), PARTS, IMAGES, Team(0, processes))
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("processes", "changes", "said"),
    [
        (1, {"batch_size": 1, "optimizer": "newton", "compile": "yes"}, ""),
        (4, {"batch_size": 32}, ""),
        (4, {"batch_size": 4}, "would have no image, since 3 are computed at a time"),
        (3, {"batch_size": 4}, ""),
        (4, {"batch_size": 16, "accumulate": 4}, "would have no image, since 3 are computed"),
        (80, {"batch_size": 200}, "would have no image, since 70 are computed"),
        (2, {"optimizer": "newton"}, "differentiates the loss twice"),
        (2, {"optimizer": "l-bfgs"}, ""),
        (2, {"compile": "yes"}, "Compiled networks learn in one process"),
        (8, {"task": "implicit", "batch_size": 1}, ""),
    ],
)
def test_a_batch_has_an_image_for_each_process(processes, changes, said):
    """70 images in batches of 4 are 18 of 3 or 4: sizes differ by one at most."""
    found = refusal(processes, **changes)
    assert said in found
    assert bool(said) == bool(found)
