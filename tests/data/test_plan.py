"""The size that pictures are brought to where nobody says it."""

from pathlib import Path

import pytest
from helpers.pictures import image, write

from cutaway.data.plan import usual_side
from cutaway.data.sources import load


@pytest.mark.parametrize(
    ("shorter", "side"),
    [([32] * 5, 32), ([32] * 5 + [480], 32), ([28, 28, 500], 28), ([256] * 3, 128), ([97], 96),
     ([30, 34, 41, 52], 32), ([480, 500, 640], 128), ([5, 9, 3], 8), ([], 128), ([60, 70], 48)],
)  # fmt: skip
def test_the_side_follows_the_pictures(shorter: list[int], side: int) -> None:
    assert usual_side(shorter) == side


def test_a_folder_of_small_jpegs_keeps_its_size(tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path, f"{'ab'[i % 2]}/{i}.jpg", image(32, 32, seed=i))
    assert load(tmp_path).size == (32, 32)


def test_one_picture_of_another_size_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path, f"{'ab'[i % 2]}/{i}.png", image(32, 32, seed=i))
    before = load(tmp_path)
    write(tmp_path, "a/9.png", image(480, 640))
    after = load(tmp_path)
    assert after.size == (32, 32)
    assert before.findings == ()
    (finding,) = after.findings
    assert finding.detail == (
        "The middle square of each picture is brought to 32 x 32 pixels (the shorter sides are 32 "
        "to 480 pixels, 32 as a rule); --image-size N brings it to N x N."
    )
    assert (after.images[: len(before) // 2] == before.images[: len(before) // 2]).all()
